"""What training needs: the trainable model, schedules, wrappers that keep zeros."""

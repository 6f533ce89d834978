"""Stages meet here: recipes as data, budgets, and the search for the smallest file in one."""

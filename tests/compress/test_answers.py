import os

import numpy as np
import pytest

from tfedge.compress.distillation.answers import Answers
from tfedge.core.errors import ArgumentError


class Teacher:
    """Counts the samples that it is asked."""

    def __init__(self):
        self.samples = 0

    def __call__(self, inputs):
        self.samples += len(inputs[0])
        total = sum(array.reshape(len(array), -1).sum(1) for array in inputs)
        return [np.stack([total, -total], 1), total]


def open_answers(folder, teacher, name="net"):
    return Answers(folder, name, [(2,), ()], teacher)


def test_shuffled_repeated_and_new_samples_are_told_apart(tmp_path):
    rng, teacher = np.random.default_rng(0), Teacher()
    x = rng.normal(size=(50, 3, 2)).astype("float32")
    answers = open_answers(tmp_path, teacher)
    for _ in range(3):
        order = rng.permutation(50)
        for part in np.array_split(order, 7):
            two, one = answers(x[part])
            np.testing.assert_allclose(one, x[part].sum((1, 2)), rtol=1e-5)
            np.testing.assert_array_equal(two, np.stack([one, -one], 1))
    assert teacher.samples == len(answers) == 50
    answers(x[:2] + 1)
    assert teacher.samples == 52


def test_twins_in_a_batch_are_asked_once(tmp_path):
    teacher = Teacher()
    x = np.array([[1.0], [2.0], [1.0]], "float32")
    answers = open_answers(tmp_path, teacher)
    assert answers(x)[1].tolist() == [1, 2, 1] and teacher.samples == 2
    assert answers(x)[1].tolist() == [1, 2, 1] and teacher.samples == 2


def test_all_inputs_count_and_so_do_dtype_and_shape(tmp_path):
    teacher = Teacher()
    answers = open_answers(tmp_path, teacher)
    one, other = np.float32([[1.0]]), np.float32([[2.0]])
    for inputs in ((one, other), (other, one), (one,), (one.astype("float64"),), (one[:, 0],)):
        answers(*inputs)
    assert teacher.samples == 5


def test_the_table_is_found_again(tmp_path):
    x = np.random.default_rng(1).normal(size=(20, 4)).astype("float32")
    before = open_answers(tmp_path, Teacher())(x)
    teacher = Teacher()
    again = open_answers(tmp_path, teacher)
    for first, second in zip(before, again(x), strict=True):
        np.testing.assert_array_equal(first, second)
    assert teacher.samples == 0 and len(again) == 20


def test_what_an_interrupted_write_left_is_dropped(tmp_path):
    x = np.random.default_rng(1).normal(size=(20, 4)).astype("float32")
    open_answers(tmp_path, Teacher())(x)
    file = tmp_path / "answers.bin"
    os.truncate(file, file.stat().st_size - 5)
    teacher = Teacher()
    answers = open_answers(tmp_path, teacher)
    assert len(answers) == 19
    np.testing.assert_allclose(answers(x)[1], x.sum(1), rtol=1e-5)
    assert teacher.samples == 1 and len(open_answers(tmp_path, teacher)) == 20


def test_two_tables_of_one_folder_do_not_mix_their_rows(tmp_path):
    x = np.arange(12, dtype="float32").reshape(12, 1)
    first, second = (open_answers(tmp_path, Teacher()) for _ in range(2))
    for start in range(0, 12, 4):
        first(x[start : start + 2])
        second(x[start + 2 : start + 4])
    for answers in (first, second, open_answers(tmp_path, Teacher())):
        assert answers(x)[1].tolist() == list(range(12))


def test_another_teacher_is_refused(tmp_path):
    open_answers(tmp_path, Teacher())
    with pytest.raises(ArgumentError, match=r"stale.*Delete the folder"):
        open_answers(tmp_path, Teacher(), "other")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArgumentError, match="cannot be used"):
        open_answers(tmp_path / "file" / "cache", Teacher())


def test_a_disk_that_fails_does_not_end_the_training(tmp_path):
    x, teacher = np.float32([[1.0], [2.0]]), Teacher()
    answers = open_answers(tmp_path, teacher)
    (tmp_path / "answers.bin").unlink()
    (tmp_path / "answers.bin").mkdir()
    with pytest.warns(UserWarning, match="grows no more"):
        assert answers(x)[1].tolist() == [1, 2]
    assert answers(x)[1].tolist() == [1, 2] and teacher.samples == 4 and len(answers) == 0


def test_augmented_data_are_noticed_after_an_epoch(tmp_path):
    rng, teacher = np.random.default_rng(2), Teacher()
    answers = open_answers(tmp_path, teacher)
    answers.start_epoch()
    answers(rng.normal(size=(8, 2)))
    answers.start_epoch()
    answers(rng.normal(size=(8, 2)))
    with pytest.warns(UserWarning, match=r"no sample of the last epoch \(8\).*augmentation"):
        answers.end_epoch()
    answers(rng.normal(size=(8, 2)))
    answers.end_epoch()
    assert len(answers) == 16 and teacher.samples == 24

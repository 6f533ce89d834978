from tfedge.runtime.latency.alignment import align


def test_activations_belong_to_what_is_before_them_and_reshapes_to_what_comes_after():
    operators = ["CONV_2D", "CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED"]
    kernels = [
        "Convolution (NHWC, QC8) IGEMM",
        "Fully Connected (NC, QS8, QC8W) GEMM",
        "Add (ND)",
        "Clamp (NC)",
        "Mean (ND) Reduce",
        "Static Reshape (NC)",
        "Fully Connected (NC, QS8, QC8W) GEMM",
    ]
    assert align(operators, kernels) == [0, 1, 2, 2, 3, 4, 4]


def test_what_was_fused_away_gets_no_kernel():
    operators = ["PAD", "CONV_2D", "RELU", "MAX_POOL_2D", "SOFTMAX"]
    kernels = ["Convolution (NHWC, F32) IGEMM", "Max Pooling (NHWC, F32)", "Softmax (NC, F32)"]
    assert align(operators, kernels) == [1, 3, 4]


def test_names_that_nobody_knows_stay_with_their_neighbour():
    assert align(["ADD", "MUL"], ["Add (ND)", "Mystery", "Multiply (ND)"]) == [0, 0, 1]
    assert align(["ADD"], ["Mystery", "Riddle"]) == [0, 0]
    assert align(["ADD"], []) == []

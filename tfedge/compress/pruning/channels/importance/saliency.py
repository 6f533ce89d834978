"""How much the units of one weight matter: pure arithmetic, one number per unit.

A *unit* is what goes at once: a row of ``values`` holds every weight that it has in one member of
its group. Small saliency goes first.
"""

from __future__ import annotations

import numpy as np


def l1(values: np.ndarray) -> np.ndarray:
    """Return the sum of magnitudes of each unit: ``sum(|w|)``.

    Args:
        values: Weights, shape (units, weights).

    Returns:
        float64, shape (units,).

    Example:
        >>> l1(np.array([[1.0, -2.0], [0.0, 0.5]]))
        array([3. , 0.5])

    Reference:
        Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017, arXiv:1608.08710.
    """
    return np.abs(values, dtype=np.float64).sum(axis=1)


def l2(values: np.ndarray) -> np.ndarray:
    """Return the Euclidean norm of each unit: ``sqrt(sum(w ** 2))``.

    Args:
        values: Weights, shape (units, weights).

    Returns:
        float64, shape (units,).

    Example:
        >>> l2(np.array([[3.0, -4.0], [0.0, 0.5]]))
        array([5. , 0.5])

    Reference:
        He et al., "Soft Filter Pruning", IJCAI 2018, arXiv:1808.06866; over the weights of a
        whole group as in Fang et al., CVPR 2023, arXiv:2301.12900.
    """
    return np.sqrt(np.square(values, dtype=np.float64).sum(axis=1))


def geometric_median(values: np.ndarray) -> np.ndarray:
    """Return how far each unit lies from all others: ``s_i = sum_j ||w_i - w_j||``.

    A unit near the geometric median of all can be expressed by the others.

    Args:
        values: Weights, shape (units, weights).

    Returns:
        float64, shape (units,).

    Example:
        >>> geometric_median(np.array([[0.0], [1.0], [3.0]]))
        array([4., 3., 5.])

    Reference:
        He et al., "Filter Pruning via Geometric Median", CVPR 2019, arXiv:1811.00250, equation 4.
    """
    wide = np.asarray(values, np.float64)
    products = wide @ wide.T
    squares = np.diag(products)
    distances = squares[:, None] + squares[None, :] - 2 * products
    return np.sqrt(np.maximum(distances, 0)).sum(axis=1)


def lamp(energies: np.ndarray) -> np.ndarray:
    """Return the share of each unit among those at least as large: ``e_i / sum(e_j >= e_i)``.

    The largest unit of a layer gets 1, so that a layer never goes as a whole when layers are
    ranked together. Of equal units the first counts as the smaller one.

    Args:
        energies: Squared norms of the units, shape (units,), at least 0.

    Returns:
        float64, shape (units,), in [0, 1].

    Example:
        >>> lamp(np.array([1.0, 3.0, 4.0])).round(3)
        array([0.125, 0.429, 1.   ])

    Reference:
        Lee et al., "Layer-Adaptive Sparsity for the Magnitude-based Pruning", ICLR 2021,
        arXiv:2010.07611, equation 4; over units in place of single weights.
    """
    energies = np.asarray(energies, np.float64)
    order = np.argsort(energies, kind="stable")
    rest = np.cumsum(energies[order][::-1])[::-1]
    shares = np.empty_like(energies)
    shares[order] = np.divide(energies[order], rest, out=np.zeros_like(rest), where=rest > 0)
    return shares


def gates(values: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return the derivative of the loss by a gate on each unit: ``sum(g * w)``.

    A gate is a factor of 1 on all weights of a unit; removal sets it to 0, so the first-order
    change of the loss is minus this.

    Args:
        values: Weights, shape (units, weights).
        gradients: Derivative of the loss by each weight, same shape.

    Returns:
        float64, shape (units,).

    Example:
        >>> gates(np.array([[1.0, 2.0]]), np.array([[0.5, -1.0]]))
        array([-1.5])
    """
    return np.multiply(values, gradients, dtype=np.float64).sum(axis=1)


def taylor(gates_by_batch: np.ndarray) -> np.ndarray:
    """Return the size of the first-order change of the loss, averaged: ``E[|gate|]``.

    Args:
        gates_by_batch: :func:`gates` for the mean loss of each batch, shape (batches, units).

    Returns:
        float64, shape (units,).

    Example:
        >>> taylor(np.array([[1.0, 2.0], [-3.0, 0.0]]))
        array([2., 1.])

    Reference:
        Molchanov et al., ICLR 2017, arXiv:1611.06440, equation 8. Their later paper (CVPR 2019,
        arXiv:1906.10771, equation 8) takes squares, in which few samples outweigh the rest.
    """
    return np.abs(gates_by_batch, dtype=np.float64).mean(axis=0)


def fisher(gates_by_sample: np.ndarray) -> np.ndarray:
    """Return the second-order change of the loss by the Fisher diagonal: ``E[gate_n ** 2] / 2``.

    Near a minimum the expected squared gradient of single samples stands for the Hessian.

    Args:
        gates_by_sample: :func:`gates` for the loss of each sample, shape (samples, units).

    Returns:
        float64, shape (units,).

    Example:
        >>> fisher(np.array([[1.0, 2.0], [-3.0, 0.0]]))
        array([2.5, 1. ])

    Reference:
        Theis et al., 2018, arXiv:1801.05787, equation 6; Liu et al., "Group Fisher Pruning",
        ICML 2021, arXiv:2108.00708, equation 5.
    """
    return np.square(gates_by_sample, dtype=np.float64).mean(axis=0) / 2


def hessian(values: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Return the size of the second-order change of the loss: ``sum(w ** 2 * |h|) / 2``.

    A trained network lies at a saddle more often than at a minimum. Magnitudes keep directions of
    negative curvature from hiding others.

    Args:
        values: Weights, shape (units, weights).
        diagonal: Second derivative of the loss by each weight, same shape.

    Returns:
        float64, shape (units,).

    Example:
        >>> hessian(np.array([[1.0, 2.0]]), np.array([[4.0, -1.0]]))
        array([4.])

    Reference:
        LeCun et al., "Optimal Brain Damage", NeurIPS 1989, equation 5; magnitudes as in Yao et
        al., "AdaHessian", AAAI 2021, arXiv:2006.00719, section 3.
    """
    squares = np.square(values, dtype=np.float64)
    return np.multiply(squares, np.abs(diagonal)).sum(axis=1) / 2

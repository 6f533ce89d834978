"""A callback that both Kerases accept."""

from __future__ import annotations

from typing import Any


class Callback:
    """Base of callbacks for Keras 3 and tf_keras alike.

    Both frameworks call hooks by name and ask for no class of theirs. A hook that a subclass
    does not define does nothing.

    Attributes:
        model: The model that is trained; set by ``fit``.
        params: Settings of the training run; set by ``fit``.
    """

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Take the model that is trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the settings of the training run."""
        self.params = params

    def __getattr__(self, name: str) -> Any:
        """Return a hook that does nothing, for every hook that is not defined."""
        if name.startswith("on_"):
            return _nothing
        if name.startswith("_implements_"):
            return _no
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


def _no() -> bool:
    """Tell tf_keras that hooks of this kind need not be called."""
    return False

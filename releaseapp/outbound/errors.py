"""How a request that could not be made is told."""

from releaseapp.errors import AppError


class OutboundError(AppError):
    """The request was not made, or not answered; ``retryable`` says whether another try may do better."""

    def __init__(self, sentence: str, *, retryable: bool = True) -> None:
        super().__init__(sentence)
        self.retryable = retryable

"""The exchange's refusals, with its own codes and texts.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code
"""


class ExchangeError(Exception):
    """A request that the exchange refuses, by default with the documented text of the code."""

    def __init__(self, code: int, message: str | None = None, status: int = 400) -> None:
        self.code = code
        self.message = TEXTS[code] if message is None else message
        self.status = status
        super().__init__(f"{code}: {self.message}")

    @property
    def answer(self) -> dict[str, object]:
        """The body of the answer."""
        return {"code": self.code, "msg": self.message}


TEXTS = {
    -1001: "Internal error; unable to process your request. Please try again.",
    -1020: "This operation is not supported.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1125: "This listenKey does not exist.",
    -1131: "recvWindow must be less than 60000.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -4001: "Price less than 0.",
    -4003: "Quantity less than zero.",
    -4005: "Quantity greater than max quantity.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4023: "Qty not increased by step size.",
    -4028: "Leverage is not valid.",
    -4046: "No need to change margin type.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4116: "ClientOrderId is duplicated.",
    -4120: "Order type not supported for this endpoint. "
    "Please use the Algo Order API endpoints instead.",
    -4136: "Target strategy invalid for this order type with closePosition true.",
    -4137: "Quantity must be zero with closePosition equals true.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history.",
    -5027: "No need to modify the order.",
}


def missing(name: str) -> ExchangeError:
    """Refuse a request that lacks a parameter or holds one that cannot be read."""
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return ExchangeError(-1102, text)

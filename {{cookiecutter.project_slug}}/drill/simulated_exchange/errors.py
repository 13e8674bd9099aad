"""The exchange's refusals, with its own codes, texts and HTTP status codes.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code and, for
the status codes, ".../general-info", "HTTP Return Codes". Codes are universal, texts may vary.

Not documented there, but seen in what clients report of the real exchange: -5000 with status 404,
-4056, -4166, status 401 of -2014 and -2015, status 408 of -1007, the address in the text of -1003,
the capital letter of -4116, the second sentence of -5021 and -5022. Known from its other markets
only: -1131, -1135. Remembered only: -4136.
"""

STATUSES = {
    -1001: 503, -1003: 429, -1007: 408, -1008: 503, -1015: 429,
    -2014: 401, -2015: 401, -5000: 404,
}  # fmt: skip
"""The HTTP status of the codes that do not come with 400."""


class ExchangeError(Exception):
    """A request that the exchange refuses, by default with the text and status of the code."""

    def __init__(self, code: int, message: str | None = None, status: int | None = None) -> None:
        self.code = code
        self.message = TEXTS[code] if message is None else message
        self.status = STATUSES.get(code, 400) if status is None else status
        super().__init__(f"{code}: {self.message}")

    @property
    def answer(self) -> dict[str, object]:
        """The body of the answer."""
        return {"code": self.code, "msg": self.message}


TEXTS = {
    -1000: "An unknown error occured while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1003: "Too many requests; current limit of IP(127.0.0.1) is {} requests per minute. "
    "Please use the websocket for live updates to avoid polling the API.",
    -1007: "Timeout waiting for response from backend server. "
    "Send status unknown; execution status unknown.",
    -1008: "Request throttled by system-level protection. "
    "Reduce-only/close-position orders are exempt. Please try again.",
    -1015: "Too many new orders; current limit is {} orders per {}.",
    -1020: "This operation is not supported.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1023: "Start time is greater than end time.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1125: "This listenKey does not exist. "
    "Please use `POST /fapi/v1/listenKey` to recreate `listenKey`",
    -1131: "recvWindow must be less than 60000",
    -1136: "Invalid newOrderRespType.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than zero.",
    -4005: "Quantity greater than max quantity.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4021: "Invalid depth limit.",
    -4023: "Qty not increased by step size.",
    -4028: "Invalid leverage",
    -4031: "Invalid parameter working type",
    -4045: "Reach max stop order limit.",
    -4046: "No need to change margin type.",
    -4049: "Add margin only support for isolated position.",
    -4056: "HMAC_SHA256 API key is not supported.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4082: "Invalid number of batch place orders.",
    -4116: "ClientOrderId is duplicated.",
    -4120: "Order type not supported for this endpoint. "
    "Please use the Algo Order API endpoints instead.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    -4136: "Target strategy invalid for this order type with closePosition true.",
    -4137: "Quantity must be zero with closePosition equals true",
    -4140: "Invalid symbol status for opening position.",
    -4165: "Maximum time interval is {} days.",
    -4166: "Search window is restricted to recent {} days only.",
    -4171: "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history",
    -5026: "Exceed maximum modify order limit.",
    -5027: "No need to modify the order.",
    -5040: "The goodTillDate timestamp must be greater than the current time plus 600 seconds and "
    "smaller than 253402300799000 (UTC 9999-12-31 23:59:59)",
}


def filled(code: int, *values: object) -> ExchangeError:
    """Refuse with a text that names values."""
    return ExchangeError(code, TEXTS[code].format(*values))


def missing(name: str) -> ExchangeError:
    """Refuse a request that lacks a parameter or holds one that cannot be read."""
    text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return ExchangeError(-1102, text)


def invalid(name: str) -> ExchangeError:
    """Refuse a parameter whose value cannot be."""
    return ExchangeError(-1130, f"Data sent for parameter '{name}' is not valid.")

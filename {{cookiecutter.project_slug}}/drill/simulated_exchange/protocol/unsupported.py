"""What the real exchange offers and this one does not, and why; asking for it is -1020."""

_HEDGE = "there is one-way mode and cross margin only"
_FILES = "files of old history are made for taxes, not for trading"
_STATISTICS = "statistics of a market that others trade in"
_OTHER_ASSETS = "USDT is the only asset"

UNSUPPORTED = {
    "POST /fapi/v1/order/test": "an order may be placed and cancelled instead",
    "POST /fapi/v1/countdownCancelAll": "no client here uses the dead man's switch",
    "GET /fapi/v1/orderAmendment": "the journal tells it",
    "GET /fapi/v1/forceOrders": "allOrders and userTrades tell of liquidations",
    "GET /fapi/v1/adlQuantile": "nobody is deleveraged: there is one account",
    "GET /fapi/v1/symbolAdlRisk": "nobody is deleveraged: there is one account",
    "GET /fapi/v1/positionMargin/history": _HEDGE,
    "GET /fapi/v1/feeBurn": _OTHER_ASSETS,
    "POST /fapi/v1/feeBurn": _OTHER_ASSETS,
    "GET /fapi/v1/assetIndex": _OTHER_ASSETS,
    "GET /fapi/v1/convert/exchangeInfo": _OTHER_ASSETS,
    "POST /fapi/v1/convert/getQuote": _OTHER_ASSETS,
    "POST /fapi/v1/convert/acceptQuote": _OTHER_ASSETS,
    "GET /fapi/v1/convert/orderStatus": _OTHER_ASSETS,
    "GET /fapi/v1/pmAccountInfo": "there is no portfolio margin",
    "GET /fapi/v1/apiTradingStatus": "nobody is restricted for how they trade",
    "GET /fapi/v1/order/asyn": _FILES,
    "GET /fapi/v1/order/asyn/id": _FILES,
    "GET /fapi/v1/trade/asyn": _FILES,
    "GET /fapi/v1/trade/asyn/id": _FILES,
    "GET /fapi/v1/income/asyn": _FILES,
    "GET /fapi/v1/income/asyn/id": _FILES,
    "GET /fapi/v1/historicalTrades": "aggTrades and trades tell of the market's trades",
    "GET /fapi/v1/rpiDepth": "there are no retail price improvement orders",
    "GET /fapi/v1/continuousKlines": "there are perpetual contracts only: klines tells the same",
    "GET /fapi/v1/indexPriceKlines": "there is one price: klines tells it",
    "GET /fapi/v1/markPriceKlines": "there is one price: klines tells it",
    "GET /fapi/v1/premiumIndexKlines": "there is one price: klines tells it",
    "GET /fapi/v1/openInterest": _STATISTICS,
    "GET /fapi/v1/indexInfo": _STATISTICS,
    "GET /fapi/v1/constituents": _STATISTICS,
    "GET /fapi/v1/insuranceBalance": _STATISTICS,
    "GET /futures/data/openInterestHist": _STATISTICS,
    "GET /futures/data/topLongShortAccountRatio": _STATISTICS,
    "GET /futures/data/topLongShortPositionRatio": _STATISTICS,
    "GET /futures/data/globalLongShortAccountRatio": _STATISTICS,
    "GET /futures/data/takerlongshortRatio": _STATISTICS,
    "GET /futures/data/basis": _STATISTICS,
    "GET /futures/data/delivery-price": _STATISTICS,
}

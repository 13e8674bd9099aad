"""REST and WebSocket as Binance USD-M futures speak them."""

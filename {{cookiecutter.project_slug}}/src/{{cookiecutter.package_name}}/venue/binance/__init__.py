"""Binance USD-M Futures over plain HTTP."""

"""Where prices come from: symbols, bars, and the scripts that make or read them."""

"""The hot store over Redis: one engine writes the steps of its market, any number of gateways follow them."""

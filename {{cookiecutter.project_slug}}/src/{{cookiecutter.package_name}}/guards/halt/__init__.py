"""A person says stop: nothing new is opened until a person says go on."""

"""Great Expectations: the rules of `expectations/`, checked in place on the warehouse."""

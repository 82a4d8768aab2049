select 'a\'b''c\\', "x", `y``z`, x'00ff', 0x, 1e5, .5, 1.5e-3 /* c */ -- d
# e

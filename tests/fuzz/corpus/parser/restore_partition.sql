restore partition d.t.p as x from snapshot s

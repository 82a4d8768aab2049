#pragma once
/* Correlated subqueries of any shape, by pushing the set of outer values (the domain) into them
 * (T. Neumann, A. Kemper: Unnesting Arbitrary Queries, BTW 2015). */

#include "plan/plan_int.h"

/* Makes *in_out_root independent of the outer columns in `outer` that *in_out_outer produces. The root then
 * produces a copy of each of them; *out_match holds the null-safe equalities for the join of the two. */
Status push_dependent(PlanContext *context, LogicalNode **in_out_outer, LogicalNode **in_out_root,
                      ConjunctList *out_match);

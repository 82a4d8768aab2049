#pragma once
/* Numbers to text and back, as StarRocks prints and reads them. */

#include "types/type.h"

bool int64_parse(StrView text, int64_t *out);   /* sign and digits only, blanks around allowed */
bool double_parse(StrView text, double *out);   /* correctly rounded; inf and nan accepted */
void int64_print(int64_t value, ByteBuf *out);
/* Shortest text that reads back the same; exponent form from 1e16 and below 1e-5. */
void double_print(double value, ByteBuf *out);
void float_print(float value, ByteBuf *out);

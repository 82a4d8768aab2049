#pragma once
/* Base64 with padding and without line breaks, for bytes inside of text. */

#include "base/bytes.h"

void base64_append(StrView bytes, ByteBuf *out);
/* Appends what the text stands for. False: it is no base64; out is as before. */
bool base64_decode(StrView text, ByteBuf *out);

#pragma once
/* MySQL protocol 10: constants, length-encoded values, and the packets that the server sends.
 * Reference: the MySQL client/server protocol documentation. All integers little-endian. */

#include "session/session.h"

enum {
    CLIENT_LONG_PASSWORD = 1,
    CLIENT_FOUND_ROWS = 2,
    CLIENT_LONG_FLAG = 4,
    CLIENT_CONNECT_WITH_DB = 8,
    CLIENT_LOCAL_FILES = 128,
    CLIENT_IGNORE_SPACE = 256,
    CLIENT_PROTOCOL_41 = 512,
    CLIENT_INTERACTIVE = 1024,
    CLIENT_SSL = 2048,
    CLIENT_TRANSACTIONS = 8192,
    CLIENT_SECURE_CONNECTION = 32768,
    CLIENT_MULTI_STATEMENTS = 1 << 16,
    CLIENT_MULTI_RESULTS = 1 << 17,
    CLIENT_PS_MULTI_RESULTS = 1 << 18,
    CLIENT_PLUGIN_AUTH = 1 << 19,
    CLIENT_CONNECT_ATTRS = 1 << 20,
    CLIENT_PLUGIN_AUTH_LENENC = 1 << 21,
    CLIENT_DEPRECATE_EOF = 1 << 24,
};

enum {
    COM_QUIT = 1,
    COM_INIT_DB = 2,
    COM_QUERY = 3,
    COM_FIELD_LIST = 4,
    COM_STATISTICS = 9,
    COM_PING = 14,
    COM_CHANGE_USER = 17,
    COM_STMT_PREPARE = 22,
    COM_STMT_EXECUTE = 23,
    COM_STMT_SEND_LONG_DATA = 24,
    COM_STMT_CLOSE = 25,
    COM_STMT_RESET = 26,
    COM_SET_OPTION = 27,
    COM_RESET_CONNECTION = 31,
};

enum { SERVER_STATUS_AUTOCOMMIT = 2, SERVER_MORE_RESULTS_EXISTS = 8 };
enum { MYSQL_MAX_PACKET = 0xFFFFFF };

void put_lenenc(ByteBuf *out, uint64_t value);
void put_lenenc_string(ByteBuf *out, StrView text);
/* Sets reader->failed on NULL (0xFB) and malformed lengths. */
uint64_t read_lenenc(ByteReader *reader);
StrView read_lenenc_string(ByteReader *reader);
StrView read_nul_string(ByteReader *reader);

/* Payloads (without the 4-byte header). */
void mysql_put_ok(ByteBuf *out, uint8_t header, const ResultSummary *summary, uint32_t capabilities);
void mysql_put_eof(ByteBuf *out, bool has_more);
void mysql_put_error(ByteBuf *out, Status code, const char *message);
void mysql_put_column(ByteBuf *out, const ResultColumn *column, bool with_default);
/* The reverse, for calls between nodes: texts lie in what the reader reads. False: malformed. */
bool mysql_read_column(ByteReader *reader, ResultColumn *out_column);
/* Appends row of chunk in text or binary form. */
void mysql_put_text_row(ByteBuf *out, const Chunk *chunk, uint32_t row, Arena *scratch);
void mysql_put_binary_row(ByteBuf *out, const Chunk *chunk, uint32_t row, Arena *scratch);
/* Values of COM_STMT_EXECUTE. types is kept over executions by the caller (2 bytes a parameter). */
Status mysql_read_parameters(ByteReader *reader, uint32_t count, ByteBuf *in_out_types, Arena *arena,
                             Diag *diag, Type *out_types, Datum *out_values);

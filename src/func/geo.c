#include "func/families.h"

/* Shapes on the sphere: points, lines and polygons by longitude and latitude in degrees, circles by a centre
 * and a radius in metres.
 *
 * A shape is a byte of kind and doubles: POINT x y; LINE x y ...; POLYGON the number of rings, for each its
 * number of points, then all points (a ring's last point is its first); CIRCLE x y radius. Edges are great
 * circles: tests project the shape from the centre of the earth onto the plane that touches it at the first
 * point of the polygon, where great circles are straight lines. Polygons must lie within a hemisphere. */

#include <math.h>

#include "func/shape.h"
#include "types/number_text.h"

enum { GEO_POINT = 1, GEO_LINE, GEO_POLYGON, GEO_CIRCLE };
#define EARTH_RADIUS 6371010.0

typedef struct GeoPoint {
    double x, y; /* longitude, latitude */
} GeoPoint;

typedef struct Geo {
    uint8_t kind;
    uint32_t ring_count;  /* POLYGON */
    uint32_t *ring_sizes;
    GeoPoint *points;
    uint32_t count;
    double radius; /* CIRCLE */
} Geo;

static bool on_earth(GeoPoint p)
{
    return fabs(p.x) <= 180 && fabs(p.y) <= 90;
}

/* ---- stored form ---- */
static void geo_encode(const Geo *geo, ByteBuf *out)
{
    bytebuf_put_u8(out, geo->kind);
    bytebuf_put_varint(out, geo->ring_count);
    for (uint32_t r = 0; r < geo->ring_count; r++)
        bytebuf_put_varint(out, geo->ring_sizes[r]);
    bytebuf_put_varint(out, geo->count);
    bytebuf_append(out, geo->points, geo->count * sizeof(GeoPoint));
    bytebuf_append(out, &geo->radius, sizeof(geo->radius));
}

static bool geo_decode(StrView bytes, Arena *arena, Geo *out)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    uint64_t total = 0;
    *out = (Geo){.kind = byte_reader_u8(&reader)};
    uint64_t rings = byte_reader_varint(&reader);
    if (reader.failed || rings > byte_reader_left(&reader) || out->kind < GEO_POINT || out->kind > GEO_CIRCLE)
        return false;
    out->ring_count = (uint32_t)rings;
    out->ring_sizes = ARENA_NEW_ARRAY(arena, uint32_t, MAX(rings, (uint64_t)1));
    for (uint64_t r = 0; r < rings; r++) {
        uint64_t size = byte_reader_varint(&reader);
        if (size > bytes.length)
            return false;
        out->ring_sizes[r] = (uint32_t)size;
        total += size;
    }
    uint64_t count = byte_reader_varint(&reader);
    if (reader.failed || count == 0 || count > byte_reader_left(&reader) / sizeof(GeoPoint) || (rings > 0 && total != count))
        return false;
    StrView points = byte_reader_bytes(&reader, count * sizeof(GeoPoint));
    StrView radius = byte_reader_bytes(&reader, sizeof(double));
    if (reader.failed)
        return false;
    out->count = (uint32_t)count;
    out->points = ARENA_NEW_ARRAY(arena, GeoPoint, count);
    memcpy(out->points, points.data, points.length);
    memcpy(&out->radius, radius.data, sizeof(double));
    return (out->kind == GEO_POLYGON) == (rings > 0);
}

/* ---- text ---- */
static void put_points(const GeoPoint *points, uint32_t count, ByteBuf *out)
{
    bytebuf_append_char(out, '(');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bytebuf_append_text(out, ", ");
        double_print(points[i].x, out);
        bytebuf_append_char(out, ' ');
        double_print(points[i].y, out);
    }
    bytebuf_append_char(out, ')');
}

static void geo_print(const Geo *geo, ByteBuf *out)
{
    static const char *const names[] = {"", "POINT ", "LINESTRING ", "POLYGON (", "CIRCLE ("};
    const GeoPoint *points = geo->points;
    bytebuf_append_text(out, names[geo->kind]);
    for (uint32_t r = 0; r < geo->ring_count; r++) {
        if (r > 0)
            bytebuf_append_text(out, ", ");
        put_points(points, geo->ring_sizes[r], out);
        points += geo->ring_sizes[r];
    }
    if (geo->ring_count == 0)
        put_points(points, geo->count, out);
    if (geo->kind == GEO_CIRCLE) {
        bytebuf_append_text(out, ", ");
        double_print(geo->radius, out);
    }
    if (geo->kind >= GEO_POLYGON)
        bytebuf_append_char(out, ')');
}

typedef struct GeoText {
    StrView left;
    Arena *arena;
    ARRAY_OF(GeoPoint) points;
    ARRAY_OF(uint32_t) rings;
} GeoText;

static bool take_mark(GeoText *text, char mark)
{
    text->left = strview_trim(text->left);
    if (text->left.length == 0 || text->left.data[0] != mark)
        return false;
    text->left.data++;
    text->left.length--;
    return true;
}

static bool take_number(GeoText *text, double *out)
{
    size_t length = 0;
    text->left = strview_trim(text->left);
    while (length < text->left.length && strchr("0123456789+-.eE", text->left.data[length]) != NULL)
        length++;
    bool ok = length > 0 && double_parse(strview_n(text->left.data, length), out);
    text->left.data += length;
    text->left.length -= length;
    return ok;
}

/* (x y, x y, ...) */
static bool take_points(GeoText *text)
{
    if (!take_mark(text, '('))
        return false;
    do {
        GeoPoint p;
        if (!take_number(text, &p.x) || !take_number(text, &p.y) || !on_earth(p))
            return false;
        ARRAY_PUSH(text->arena, &text->points, p);
    } while (take_mark(text, ','));
    return take_mark(text, ')');
}

static bool take_rings(GeoText *text)
{
    if (!take_mark(text, '('))
        return false;
    do {
        uint32_t first = text->points.count;
        if (!take_points(text))
            return false;
        uint32_t size = text->points.count - first;
        const GeoPoint *ring = text->points.items + first;
        bool is_closed = size >= 4 && ring[0].x == ring[size - 1].x && ring[0].y == ring[size - 1].y;
        if (!is_closed)
            return false;
        ARRAY_PUSH(text->arena, &text->rings, size);
    } while (take_mark(text, ','));
    return take_mark(text, ')');
}

static bool geo_parse(StrView wkt, Arena *arena, Geo *out)
{
    static const StrView names[] = {{"", 0}, {"POINT", 5}, {"LINESTRING", 10}, {"POLYGON", 7}};
    GeoText text = {.left = strview_trim(wkt), .arena = arena};
    *out = (Geo){0};
    for (int k = GEO_POINT; k <= GEO_POLYGON; k++) {
        if (strview_starts_with_ci(text.left, names[k]))
            out->kind = (uint8_t)k;
    }
    if (out->kind == 0)
        return false;
    text.left.data += names[out->kind].length;
    text.left.length -= names[out->kind].length;
    bool ok = out->kind == GEO_POLYGON ? take_rings(&text) : take_points(&text);
    out->points = text.points.items;
    out->count = text.points.count;
    out->ring_sizes = text.rings.items;
    out->ring_count = text.rings.count;
    bool fits = (out->kind == GEO_POINT && out->count == 1) || (out->kind == GEO_LINE && out->count >= 2) || out->kind == GEO_POLYGON;
    return ok && fits && strview_trim(text.left).length == 0;
}

/* ---- geometry ---- */
static double radians_of(double degrees)
{
    return degrees * M_PI / 180;
}
static double sphere_distance(GeoPoint a, GeoPoint b)
{
    double half_y = sin(radians_of(b.y - a.y) / 2);
    double half_x = sin(radians_of(b.x - a.x) / 2);
    double h = half_y * half_y + cos(radians_of(a.y)) * cos(radians_of(b.y)) * half_x * half_x;
    return 2 * EARTH_RADIUS * asin(sqrt(MIN(h, 1.0)));
}

/* Onto the plane that touches the earth at the centre; false: on its far side. */
static bool project(GeoPoint centre, GeoPoint p, GeoPoint *out)
{
    double y0 = radians_of(centre.y);
    double y = radians_of(p.y);
    double dx = radians_of(p.x - centre.x);
    double height = sin(y0) * sin(y) + cos(y0) * cos(y) * cos(dx);
    if (height < 1e-9)
        return false;
    *out = (GeoPoint){cos(y) * sin(dx) / height, (cos(y0) * sin(y) - sin(y0) * cos(y) * cos(dx)) / height};
    return true;
}

static double turn(GeoPoint a, GeoPoint b, GeoPoint c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}
static bool edges_cross(GeoPoint a, GeoPoint b, GeoPoint c, GeoPoint d)
{
    return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

/* Even-odd over all rings, so that inner rings are holes. points are projected. */
static bool inside_rings(const Geo *polygon, const GeoPoint *points, GeoPoint p)
{
    bool is_inside = false;
    for (uint32_t r = 0; r < polygon->ring_count; points += polygon->ring_sizes[r++]) {
        for (uint32_t i = 0; i + 1 < polygon->ring_sizes[r]; i++) {
            GeoPoint a = points[i];
            GeoPoint b = points[i + 1];
            if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x)
                is_inside = !is_inside;
        }
    }
    return is_inside;
}

static bool crosses_rings(const Geo *polygon, const GeoPoint *points, GeoPoint a, GeoPoint b)
{
    for (uint32_t r = 0; r < polygon->ring_count; points += polygon->ring_sizes[r++]) {
        for (uint32_t i = 0; i + 1 < polygon->ring_sizes[r]; i++) {
            if (edges_cross(a, b, points[i], points[i + 1]))
                return true;
        }
    }
    return false;
}

static bool polygon_contains(const Geo *polygon, const Geo *other, Arena *arena)
{
    GeoPoint centre = polygon->points[0];
    GeoPoint *points = ARENA_NEW_ARRAY(arena, GeoPoint, polygon->count);
    GeoPoint previous = {0, 0};
    if (other->kind == GEO_CIRCLE)
        return false;
    for (uint32_t i = 0; i < polygon->count; i++) {
        if (!project(centre, polygon->points[i], &points[i]))
            return false;
    }
    for (uint32_t i = 0; i < other->count; i++) {
        GeoPoint p;
        if (!project(centre, other->points[i], &p) || !inside_rings(polygon, points, p))
            return false;
        if (i > 0 && crosses_rings(polygon, points, previous, p))
            return false;
        previous = p;
    }
    return true;
}

static bool geo_contains(const Geo *outer, const Geo *inner, Arena *arena)
{
    if (outer->kind == GEO_POLYGON)
        return polygon_contains(outer, inner, arena);
    if (outer->kind == GEO_LINE)
        return false;
    double reach = outer->kind == GEO_CIRCLE ? outer->radius : 0;
    double rest = inner->kind == GEO_CIRCLE ? inner->radius : 0;
    for (uint32_t i = 0; i < inner->count; i++) {
        if (sphere_distance(outer->points[0], inner->points[i]) + rest > reach)
            return false;
    }
    return true;
}

/* ---- functions ---- */
static void result_geo(FuncContext *context, Vector *out, uint32_t row, const Geo *geo)
{
    AUTO_BYTEBUF bytes = {0};
    geo_encode(geo, &bytes);
    result_text(context, out, row, bytes.data, bytes.length);
}
DEFINE_ROWWISE(point_kernel, {
    GeoPoint p = {ARG(0, double), ARG(1, double)};
    Geo geo = {.kind = GEO_POINT, .points = &p, .count = 1};
    if (on_earth(p))
        result_geo(context, out, row, &geo);
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(circle_kernel, {
    GeoPoint p = {ARG(0, double), ARG(1, double)};
    Geo geo = {.kind = GEO_CIRCLE, .points = &p, .count = 1, .radius = ARG(2, double)};
    if (on_earth(p) && geo.radius >= 0 && isfinite(geo.radius))
        result_geo(context, out, row, &geo);
    else
        RESULT_NULL();
})
/* code: the kind that is wanted, 0 any */
DEFINE_ROWWISE(from_text_kernel, {
    Geo geo;
    int wanted = context->binding->def->code;
    if (geo_parse(ARG_VIEW(0), context->arena, &geo) && (wanted == 0 || geo.kind == wanted))
        result_geo(context, out, row, &geo);
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(as_text_kernel, {
    Geo geo;
    AUTO_BYTEBUF text = {0};
    if (!geo_decode(ARG_VIEW(0), context->arena, &geo)) {
        RESULT_NULL();
        continue;
    }
    geo_print(&geo, &text);
    result_text(context, out, row, text.data, text.length);
})
/* code: 0 longitude, 1 latitude of a point */
DEFINE_ROWWISE(coordinate_kernel, {
    Geo geo;
    if (geo_decode(ARG_VIEW(0), context->arena, &geo) && geo.kind == GEO_POINT)
        RESULT(double) = context->binding->def->code == 0 ? geo.points[0].x : geo.points[0].y;
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(distance_kernel, {
    GeoPoint a = {ARG(0, double), ARG(1, double)};
    GeoPoint b = {ARG(2, double), ARG(3, double)};
    if (on_earth(a) && on_earth(b))
        RESULT(double) = sphere_distance(a, b);
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(contains_kernel, {
    Geo outer;
    Geo inner;
    if (geo_decode(ARG_VIEW(0), context->arena, &outer) && geo_decode(ARG_VIEW(1), context->arena, &inner))
        RESULT(uint8_t) = geo_contains(&outer, &inner, context->arena);
    else
        RESULT_NULL();
})

#define GEOF(NAME, COUNT, CODE, ARGUMENTS, RESULT_LETTER, KERNEL)                                             \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = COUNT, .max_arguments = COUNT, \
     .code = CODE, .overloads = (const FuncOverload[]){{ARGUMENTS, RESULT_LETTER, KERNEL, NULL}}, .overload_count = 1, \
     .group = "spatial"}
static const FuncDef defs[] = {
    GEOF("st_point", 2, 0, "dd", 'S', point_kernel),
    GEOF("st_circle", 3, 0, "ddd", 'S', circle_kernel),
    GEOF("st_geometryfromtext", 1, 0, "S", 'S', from_text_kernel),
    GEOF("st_geomfromtext", 1, 0, "S", 'S', from_text_kernel),
    GEOF("st_linefromtext", 1, GEO_LINE, "S", 'S', from_text_kernel),
    GEOF("st_linestringfromtext", 1, GEO_LINE, "S", 'S', from_text_kernel),
    GEOF("st_polygon", 1, GEO_POLYGON, "S", 'S', from_text_kernel),
    GEOF("st_polyfromtext", 1, GEO_POLYGON, "S", 'S', from_text_kernel),
    GEOF("st_polygonfromtext", 1, GEO_POLYGON, "S", 'S', from_text_kernel),
    GEOF("st_astext", 1, 0, "S", 'S', as_text_kernel),
    GEOF("st_aswkt", 1, 0, "S", 'S', as_text_kernel),
    GEOF("st_x", 1, 0, "S", 'd', coordinate_kernel),
    GEOF("st_y", 1, 1, "S", 'd', coordinate_kernel),
    GEOF("st_distance_sphere", 4, 0, "dddd", 'd', distance_kernel),
    GEOF("st_contains", 2, 0, "SS", 'b', contains_kernel),
};
const FuncTable func_table_geo = {defs, COUNT_OF(defs)};

// MariaDB Connector/J (Debian: libmariadb-java): metadata, types, prepared statements, batches, errors, streaming, time-outs, TLS.
import java.math.BigDecimal;
import java.sql.*;
import java.util.Properties;

public class JdbcClient {
    private static int passed = 0, failed = 0;

    private static void check(String name, boolean isRight, Object seen) {
        if (isRight) {
            passed++;
            System.out.println("ok " + name);
        } else {
            failed++;
            System.out.println("FAIL " + name + ": " + seen);
        }
    }

    private static Connection connect(String database, String... more) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", "root");
        for (int i = 0; i + 1 < more.length; i += 2)
            properties.setProperty(more[i], more[i + 1]);
        return DriverManager.getConnection("jdbc:mariadb://127.0.0.1:" + System.getenv("MERAK_PORT") + "/" + database, properties);
    }

    private static void types(Connection connection, boolean onServer) throws SQLException {
        String how = onServer ? "binary " : "text ";
        String sql = "SELECT true, CAST(-128 AS TINYINT), CAST(32767 AS SMALLINT), CAST(-5 AS INT), CAST(9223372036854775807 AS BIGINT), "
            + "CAST(1.5 AS FLOAT), CAST(-2.25e300 AS DOUBLE), CAST(1234.5678 AS DECIMAL(20,4)), 'grüße', CAST('2026-02-28' AS DATE), "
            + "CAST('2026-02-28 12:34:56.789' AS DATETIME), CAST('170141183460469231731687303715884105727' AS LARGEINT), [1,2], NULL, ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setInt(1, 7);
            try (ResultSet row = statement.executeQuery()) {
                check(how + "row", row.next(), null);
                check(how + "boolean", row.getBoolean(1), row.getObject(1));
                check(how + "tinyint", row.getByte(2) == -128, row.getObject(2));
                check(how + "smallint", row.getShort(3) == 32767, row.getObject(3));
                check(how + "int", row.getInt(4) == -5, row.getObject(4));
                check(how + "bigint", row.getLong(5) == Long.MAX_VALUE, row.getObject(5));
                check(how + "float", row.getFloat(6) == 1.5f, row.getObject(6));
                check(how + "double", row.getDouble(7) == -2.25e300, row.getObject(7));
                check(how + "decimal", row.getBigDecimal(8).equals(new BigDecimal("1234.5678")), row.getObject(8));
                check(how + "varchar", row.getString(9).equals("grüße"), row.getObject(9));
                check(how + "date", row.getDate(10).toString().equals("2026-02-28"), row.getObject(10));
                check(how + "datetime", row.getTimestamp(11).toString().equals("2026-02-28 12:34:56.789"), row.getObject(11));
                check(how + "largeint", row.getString(12).equals("170141183460469231731687303715884105727"), row.getObject(12));
                check(how + "array", row.getString(13).equals("[1,2]"), row.getObject(13));
                check(how + "null", row.getObject(14) == null && row.wasNull(), row.getObject(14));
                check(how + "parameter", row.getInt(15) == 7, row.getObject(15));
            }
        }
    }

    private static void parameters(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE p (i BIGINT, s VARCHAR(50), d DECIMAL(10,2), t DATETIME, b BOOLEAN, f DOUBLE) DUPLICATE KEY (i)");
        }
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO p VALUES (?, ?, ?, ?, ?, ?)")) {
            for (int i = 0; i < 100; i++) {
                insert.setLong(1, i);
                insert.setString(2, i % 10 == 0 ? null : "it's " + i);
                insert.setBigDecimal(3, new BigDecimal("1.25"));
                insert.setTimestamp(4, Timestamp.valueOf("2024-01-02 03:04:05"));
                insert.setBoolean(5, i % 2 == 0);
                insert.setDouble(6, i / 4.0);
                insert.addBatch();
            }
            check("batch", insert.executeBatch().length == 100, null);
        }
        try (PreparedStatement select = connection.prepareStatement(
                 "SELECT count(*), sum(d), count(s), max(t), sum(f) FROM p WHERE i >= ? AND b = ? AND (s IS NULL OR s <> ?)")) {
            select.setInt(1, 10);
            select.setBoolean(2, true);
            select.setString(3, "it's 12");
            try (ResultSet row = select.executeQuery()) {
                row.next();
                check("prepared count", row.getInt(1) == 44, row.getInt(1));
                check("prepared sum", row.getBigDecimal(2).compareTo(new BigDecimal("55.00")) == 0, row.getObject(2));
                check("prepared max", row.getTimestamp(4).toString().equals("2024-01-02 03:04:05.0"), row.getObject(4));
            }
        }
    }

    private static void errors(Connection connection) throws SQLException {
        String[][] wrong = {{"SELEC 1", "42000"}, {"SELECT * FROM nowhere", "42S02"}, {"SELECT nothing FROM p", "42000"}};
        for (String[] pair : wrong) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(pair[0]);
                check("error of " + pair[0], false, "none");
            } catch (SQLException error) {
                boolean isRight = error.getErrorCode() > 0 && (error.getSQLState().equals(pair[1]) || error.getSQLState().startsWith("42") || error.getSQLState().equals("HY000"));
                check("error of " + pair[0], isRight, error.getErrorCode() + " " + error.getSQLState());
            }
        }
    }

    private static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        check("product", data.getDatabaseProductVersion().startsWith("8.0.33"), data.getDatabaseProductVersion());
        try (ResultSet tables = data.getTables("jdbc_client", null, "%", new String[] {"TABLE", "VIEW"})) {
            boolean found = false;
            while (tables.next())
                found |= tables.getString("TABLE_NAME").equals("p");
            check("getTables", found, null);
        }
        try (ResultSet columns = data.getColumns("jdbc_client", null, "p", "%")) {
            int count = 0;
            while (columns.next())
                count++;
            check("getColumns", count == 6, count);
        }
        try (ResultSet catalogs = data.getCatalogs()) {
            check("getCatalogs", catalogs.next(), null);
        }
    }

    private static void big(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(1000);
            try (ResultSet rows = statement.executeQuery("SELECT generate_series, repeat('x', 10) FROM TABLE(generate_series(1, 1000000))")) {
                long count = 0;
                while (rows.next())
                    count++;
                check("streamed rows", count == 1000000, count);
            }
        }
    }

    private static void cancel(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            long begin = System.currentTimeMillis();
            try {
                statement.execute("SELECT sleep(30)");
                check("time-out", false, "finished");
            } catch (SQLException error) {
                check("time-out", System.currentTimeMillis() - begin < 8000, error.getMessage());
            }
        }
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("SELECT 1")) {
            check("after time-out", row.next() && row.getInt(1) == 1, null);
        }
    }

    /** Both plugins; the first login of caching_sha2_password is the full exchange, the second the fast one. */
    private static void logins(Connection root) throws SQLException {
        try (Statement statement = root.createStatement()) {
            statement.execute("CREATE USER jdbc_native IDENTIFIED BY 'canary-1'");
            statement.execute("CREATE USER jdbc_sha2 IDENTIFIED WITH caching_sha2_password BY 'canary-2'");
        }
        String[][] users = {{"jdbc_native", "canary-1"}, {"jdbc_sha2", "canary-2"}, {"jdbc_sha2", "canary-2"}};
        for (String[] user : users) {
            try (Connection one = connect("", "user", user[0], "password", user[1], "allowPublicKeyRetrieval", "true");
                 Statement statement = one.createStatement(); ResultSet row = statement.executeQuery("SELECT current_user()")) {
                check("login " + user[0], row.next() && row.getString(1).equals("'" + user[0] + "'@'%'"), null);
            } catch (SQLException error) {
                check("login " + user[0], false, error);
            }
        }
        try (Connection one = connect("", "user", "jdbc_sha2", "password", "canary-3", "allowPublicKeyRetrieval", "true")) {
            check("wrong password", false, "let in");
        } catch (SQLException error) {
            check("wrong password", error.getErrorCode() == 1045, error.getMessage());
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = connect(""); Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE jdbc_client");
        }
        try (Connection connection = connect("jdbc_client")) {
            types(connection, false);
            parameters(connection);
            errors(connection);
            big(connection);
            cancel(connection);
        }
        try (Connection connection = connect("jdbc_client", "useServerPrepStmts", "true")) {
            types(connection, true);
        }
        try (Connection connection = connect("jdbc_client", "useSsl", "true", "trustServerCertificate", "true");
             Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("SELECT 1")) {
            check("tls", row.next(), null);
        }
        try (Connection connection = connect("jdbc_client")) {
            metadata(connection);
            logins(connection);
        }
        System.out.println(passed + " passed, " + failed + " failed");
    }
}

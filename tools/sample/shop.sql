-- The sample database: a small shop and the clicks of its visitors, made by generate_series().
CREATE DATABASE IF NOT EXISTS shop;
USE shop;

CREATE TABLE products (
    product_id INT NOT NULL, name VARCHAR(40) NOT NULL, category VARCHAR(20) NOT NULL, price DECIMAL(10, 2) NOT NULL
) DUPLICATE KEY (product_id) DISTRIBUTED BY HASH (product_id) BUCKETS 1;

CREATE TABLE customers (
    customer_id INT NOT NULL, name VARCHAR(40) NOT NULL, country VARCHAR(20) NOT NULL, since DATE NOT NULL
) PRIMARY KEY (customer_id) DISTRIBUTED BY HASH (customer_id) BUCKETS 1;

CREATE TABLE orders (
    order_id BIGINT NOT NULL, customer_id INT NOT NULL, product_id INT NOT NULL, quantity INT NOT NULL,
    amount DECIMAL(12, 2) NOT NULL, ordered_at DATETIME NOT NULL
) DUPLICATE KEY (order_id) PARTITION BY date_trunc('month', ordered_at) DISTRIBUTED BY HASH (order_id) BUCKETS 2;

CREATE TABLE events (
    at DATETIME NOT NULL, visitor INT NOT NULL, page VARCHAR(40) NOT NULL, milliseconds INT NOT NULL, detail JSON
) DUPLICATE KEY (at) PARTITION BY date_trunc('month', at) DISTRIBUTED BY HASH (visitor) BUCKETS 2;

INSERT INTO products
SELECT g, concat(['Oak', 'Steel', 'Linen', 'Copper', 'Glass'][g % 5 + 1], ' ',
                 ['table', 'lamp', 'chair', 'bowl', 'shelf', 'clock', 'basket'][g % 7 + 1], ' no. ', g),
       ['furniture', 'kitchen', 'light', 'decoration'][g % 4 + 1], 5 + g * 37 % 400 + 0.95
FROM TABLE(generate_series(1, 200)) s(g);

INSERT INTO customers
SELECT g, concat(['Ada', 'Bo', 'Chen', 'Dana', 'Emil', 'Fay'][g % 6 + 1], ' ',
                 ['Berg', 'Lopez', 'Novak', 'Okoro', 'Sato'][g % 5 + 1], ' ', g),
       ['Brazil', 'Germany', 'India', 'Japan', 'Kenya', 'Norway', 'Spain', 'Vietnam', 'Vietnam'][CAST(sqrt(abs(murmur_hash3_32(g)) % 64) AS INT) + 1],
       date_add('2019-01-01', INTERVAL g * 31 % 1800 DAY)
FROM TABLE(generate_series(1, 5000)) s(g);

INSERT INTO orders
SELECT o.g, o.g * 7919 % 5000 + 1, p.product_id, o.g % 5 + 1, p.price * (o.g % 5 + 1),
       date_add('2024-01-01 08:00:00', INTERVAL o.g * 157 SECOND)
FROM TABLE(generate_series(1, 200000)) o(g) JOIN products p ON p.product_id = CAST(sqrt(abs(murmur_hash3_32(o.g)) % 40000) AS INT) % 200 + 1;

INSERT INTO events
SELECT date_add('2024-06-01 00:00:00', INTERVAL g * 13 SECOND), g * 7919 % 20000,
       ['/help', '/checkout', '/basket', '/search', '/product', '/', '/'][CAST(sqrt(abs(murmur_hash3_32(g)) % 36) AS INT) + 1], 20 + g * g % 900,
       parse_json(concat('{"browser": "', ['Firefox', 'Chrome', 'Safari'][g % 3 + 1], '", "step": ', g % 9, '}'))
FROM TABLE(generate_series(1, 400000)) e(g);

CREATE MATERIALIZED VIEW sales_by_month PARTITION BY month REFRESH ASYNC EVERY(INTERVAL 1 HOUR) AS
SELECT date_trunc('month', o.ordered_at) AS month, c.country, count(*) AS orders, sum(o.amount) AS amount
FROM orders o JOIN customers c ON o.customer_id = c.customer_id
GROUP BY date_trunc('month', o.ordered_at), c.country;
REFRESH MATERIALIZED VIEW sales_by_month WITH SYNC MODE;

# Real clients: those of Debian in `make test`, those of npm in `make test-all`.
TEST_HARNESSES += clients
LONG_HARNESSES += clients-npm
.PHONY: harness-clients harness-clients-npm
$(BUILD)/merak-odbc-client: tests/clients/odbc_client.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -Wall -Wextra $< -lodbc -o $@
harness-clients: $(BUILD)/merak $(BUILD)/merak-odbc-client
	@ODBC_CLIENT=$(BUILD)/merak-odbc-client ODBC_DRIVER=$$(find /usr/lib -name libmaodbc.so | head -1) \
	  tests/clients/run.sh $(BUILD)/merak cli pymysql odbc jdbc
build/npm-clients/node_modules/mariadb:
	npm install --silent --no-audit --no-fund --prefix build/npm-clients mysql2 mariadb
harness-clients-npm: $(BUILD)/merak build/npm-clients/node_modules/mariadb
	@NODE_CLIENTS=$(CURDIR)/build/npm-clients tests/clients/run.sh $(BUILD)/merak node

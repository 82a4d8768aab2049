# Three servers on one volume, the leader killed, paused or cut off under load: `make failover ROUNDS=100`.
TEST_HARNESSES += own-network failover
LONG_HARNESSES += failover-long failover-s3 failover-hosts failover-hosts-ceph
FAILOVER_SOURCES := $(sort $(wildcard tests/failover/*.c)) tests/recovery/peer.c tests/sql_runner/server_process.c
FAILOVER_OBJECTS := $(FAILOVER_SOURCES:%.c=$(BUILD)/%.o)
ROUNDS ?= 6
.PHONY: failover harness-own-network harness-failover harness-failover-long harness-failover-s3
$(filter $(BUILD)/tests/failover/% $(BUILD)/tests/recovery/peer.o,$(FAILOVER_OBJECTS)): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-failover: $(FAILOVER_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
harness-own-network:
	@tests/failover/own_network_test.sh
failover: $(BUILD)/merak $(BUILD)/merak-failover
	@tests/failover/own_network.sh $(BUILD)/merak-failover --server $(BUILD)/merak --rounds $(ROUNDS)
harness-failover: $(BUILD)/merak $(BUILD)/merak-failover
	@tests/failover/own_network.sh $(BUILD)/merak-failover --server $(BUILD)/merak --rounds $(ROUNDS) --seed $(TEST_SEED)
harness-failover-long: $(BUILD)/merak $(BUILD)/merak-failover
	@tests/failover/own_network.sh $(BUILD)/merak-failover --server $(BUILD)/merak --rounds 300
harness-failover-s3: $(BUILD)/merak $(BUILD)/merak-failover $(BUILD)/merak-s3d
	@tests/failover/own_network.sh tests/s3/with_service.sh $(BUILD)/merak-s3d $(BUILD)/merak-failover --server $(BUILD)/merak --rounds 100
# Every node a host of its own, in a network namespace; beside a Ceph cluster too.
.PHONY: harness-failover-hosts harness-failover-hosts-ceph
harness-failover-hosts: $(BUILD)/merak $(BUILD)/merak-failover
	@tests/failover/with_namespaces.sh $(BUILD)/merak-failover --server $(BUILD)/merak --rounds $(or $(HOSTS_ROUNDS),300)
harness-failover-hosts-ceph: $(BUILD)/merak $(BUILD)/merak-failover ceph-packages
	@tests/failover/with_namespaces.sh tests/s3/with_ceph.sh $(BUILD)/merak-failover --server $(BUILD)/merak --rounds $(or $(HOSTS_ROUNDS),300)
-include $(FAILOVER_OBJECTS:.o=.d)

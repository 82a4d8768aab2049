# S3: the client and the volume against a small service of our own in this process; servers, the SQL tests and the kill
# loop beside it.
TEST_HARNESSES += s3-volume s3-cluster s3-volumes s3-tls s3-sql s3-chaos
LONG_HARNESSES += s3-kill-loop s3-chaos-long
S3_SOURCES := $(wildcard tests/s3/*.c)
BESIDE_S3 := MERAK=$(CURDIR)/$(BUILD)/merak tests/s3/with_service.sh $(BUILD)/merak-s3d
.PHONY: s3-volume harness-s3-volume harness-s3-cluster harness-s3-volumes harness-s3-sql harness-s3-kill-loop
$(S3_SOURCES:%.c=$(BUILD)/%.o): CFLAGS_ALL += -Itests
$(BUILD)/merak-s3d: $(BUILD)/tests/s3/s3d_main.o $(BUILD)/tests/s3/s3_service.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
$(BUILD)/tests/s3/s3_test: $(BUILD)/tests/s3/s3_test.o $(BUILD)/tests/s3/s3_service.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -lcmocka -o $@
s3-volume harness-s3-volume: $(BUILD)/tests/s3/s3_test
	@tests/run_units.sh $<
harness-s3-cluster: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/cluster_test.sh
harness-s3-volumes: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/volumes_test.sh
.PHONY: s3-tls harness-s3-tls
s3-tls harness-s3-tls: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/tls_test.sh
harness-s3-sql: $(BUILD)/merak $(BUILD)/merak-s3d $(BUILD)/merak-sqltest
	@$(BESIDE_S3) $(BUILD)/merak-sqltest --server tests/s3/server_on_s3.sh --jobs $(SQL_JOBS) --name s3 $(SQL_FILES)
# A random schedule of misbehaviour: `make s3-chaos CHAOS="600 7"` is ten minutes with a seed.
.PHONY: s3-chaos harness-s3-chaos harness-s3-chaos-long
s3-chaos: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/chaos_test.sh $(CHAOS)
harness-s3-chaos: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/chaos_test.sh 15 $(TEST_SEED)
harness-s3-chaos-long: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/chaos_test.sh 1800
harness-s3-kill-loop: $(BUILD)/merak $(BUILD)/merak-s3d $(BUILD)/merak-kill-loop
	@$(BESIDE_S3) $(BUILD)/merak-kill-loop --server tests/s3/server_on_s3.sh --kills 60
-include $(S3_SOURCES:%.c=$(BUILD)/%.d)
# The same beside a real service: Ceph with its gateway. `make s3-ceph` needs the packages of tests/s3/ceph_packages.txt.
LONG_HARNESSES += s3-ceph-cluster s3-ceph-sql s3-ceph-kill-loop
BESIDE_CEPH := MERAK=$(CURDIR)/$(BUILD)/merak tests/s3/with_ceph.sh
.PHONY: harness-s3-ceph-cluster harness-s3-ceph-sql harness-s3-ceph-kill-loop ceph-packages
ceph-packages:
	@command -v radosgw ceph-osd ceph-mon >/dev/null || apt-get install -y --no-install-recommends $$(cat tests/s3/ceph_packages.txt) >/dev/null
harness-s3-ceph-cluster: $(BUILD)/merak ceph-packages
	@$(BESIDE_CEPH) tests/s3/cluster_test.sh
harness-s3-ceph-sql: $(BUILD)/merak $(BUILD)/merak-sqltest ceph-packages
	@$(BESIDE_CEPH) $(BUILD)/merak-sqltest --server tests/s3/server_on_s3.sh --jobs $(SQL_JOBS) --name s3 $(SQL_FILES)
harness-s3-ceph-kill-loop: $(BUILD)/merak $(BUILD)/merak-kill-loop ceph-packages
	@$(BESIDE_CEPH) $(BUILD)/merak-kill-loop --server tests/s3/server_on_s3.sh --kills 60
# Numbers: a fresh node on a long journal, and commits while every put takes its time.
TEST_HARNESSES += s3-start s3-commit
LONG_HARNESSES += s3-start-long s3-commit-long
.PHONY: harness-s3-start harness-s3-start-long harness-s3-commit harness-s3-commit-long
harness-s3-start: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/start_test.sh
harness-s3-start-long: $(BUILD)/merak $(BUILD)/merak-s3d
	@$(BESIDE_S3) tests/s3/start_test.sh 2000 5000
harness-s3-commit: $(BUILD)/merak $(BUILD)/merak-s3d $(BUILD)/merak-commit-bench
	@$(BESIDE_S3) tests/s3/commit_test.sh $(BUILD)/merak-commit-bench
harness-s3-commit-long: $(BUILD)/merak $(BUILD)/merak-s3d $(BUILD)/merak-commit-bench
	@$(BESIDE_S3) tests/s3/commit_test.sh $(BUILD)/merak-commit-bench 15 1000

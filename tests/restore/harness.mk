# Meta directories put back, restores to a moment, volumes copied and emptied, and what the offline tools say of them.
TEST_HARNESSES += restore
.PHONY: restore-test harness-restore
restore-test harness-restore: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/restore/restore_test.sh
# Every tool on clusters that are up and down, with several storage volumes; on a bucket and beside Ceph too.
TEST_HARNESSES += tools
LONG_HARNESSES += tools-s3 tools-ceph
.PHONY: harness-tools harness-tools-s3 harness-tools-ceph
harness-tools: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/restore/tools_test.sh
harness-tools-s3: $(BUILD)/merak $(BUILD)/merak-s3d
	@MERAK=$(CURDIR)/$(BUILD)/merak tests/s3/with_service.sh $(BUILD)/merak-s3d tests/restore/tools_test.sh
harness-tools-ceph: $(BUILD)/merak ceph-packages
	@MERAK=$(CURDIR)/$(BUILD)/merak tests/s3/with_ceph.sh tests/restore/tools_test.sh

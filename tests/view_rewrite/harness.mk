# Queries answered from views give what they give without: directed cases, then random views and queries; longer in test-all.
TEST_HARNESSES += view-rewrite
LONG_HARNESSES += view-rewrite-long view-rewrite-asan
.PHONY: harness-view-rewrite harness-view-rewrite-long harness-view-rewrite-asan
$(BUILD)/tests/view_rewrite/%.o: CFLAGS_ALL += -Itests
VIEW_REWRITE_OBJECTS := $(BUILD)/tests/view_rewrite/view_rewrite_test.o $(BUILD)/tests/view_rewrite/test_views.o $(BUILD)/tests/failure/fixture.o
$(BUILD)/merak-view-rewrite: $(VIEW_REWRITE_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
harness-view-rewrite: $(BUILD)/merak-view-rewrite
	@$(BUILD)/merak-view-rewrite 300 1
harness-view-rewrite-long: $(BUILD)/merak-view-rewrite
	@$(BUILD)/merak-view-rewrite 20000 2
harness-view-rewrite-asan:
	@$(MAKE) VARIANT=asan harness-view-rewrite
-include $(VIEW_REWRITE_OBJECTS:.o=.d)

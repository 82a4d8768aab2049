# Two frontends on one volume: what holds for the cluster is the same through both.
TEST_HARNESSES += nodes
.PHONY: nodes harness-nodes
nodes harness-nodes: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/nodes/nodes_test.sh

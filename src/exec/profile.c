#include "exec/exec_int.h"

/* Profiles of operators. With a profile wanted, each operator's consumer is wrapped, so that the time it
 * spends in those after it is known; what is left of the time spent in it is its own. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/environment.h"
#include "exec/spill.h"

void profile_rows(ExecContext *exec, const PhysNode *node, uint32_t rows)
{
    if (exec->options->profile == NULL)
        return;
    atomic_fetch_add_explicit(&exec->options->profile[node->id].rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&exec->options->profile[node->id].chunks, 1, memory_order_relaxed);
}

void profile_choice(ExecContext *exec, const PhysNode *node, const char *format, ...)
{
    if (exec->options->profile == NULL)
        return;
    OperatorProfile *profile = &exec->options->profile[node->id];
    va_list args;
    va_start(args, format);
    mutex_lock(&exec->spill_lock);
    size_t length = strlen(profile->choices);
    if (length > 0 && length + 3 < sizeof(profile->choices))
        length += (size_t)snprintf(profile->choices + length, sizeof(profile->choices) - length, "; ");
    vsnprintf(profile->choices + length, sizeof(profile->choices) - length, format, args);
    mutex_unlock(&exec->spill_lock);
    va_end(args);
}

void profile_page(ExecContext *exec, const PhysNode *node, bool by_index)
{
    OperatorProfile *profile = exec->options->profile;
    if (profile != NULL)
        atomic_fetch_add_explicit(by_index ? &profile[node->id].pages_by_index : &profile[node->id].pages_by_bounds, 1, memory_order_relaxed);
}

typedef struct ProfileConsumer {
    Consumer consumer;
    Consumer *next;
    OperatorProfile *profile;
} ProfileConsumer;

static Status push_profiled(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    ProfileConsumer *self = (ProfileConsumer *)consumer;
    int64_t start_us = env_monotonic_us(environment_real());
    Status status = self->next->push(self->next, worker, chunk);
    atomic_fetch_add_explicit(&self->profile->push_us, env_monotonic_us(environment_real()) - start_us, memory_order_relaxed);
    return status;
}

static bool profiled_is_full(Consumer *consumer)
{
    ProfileConsumer *self = (ProfileConsumer *)consumer;
    return self->next->is_full(self->next);
}

Status profile_node(ExecContext *exec, const PhysNode *node, Consumer *consumer,
                    Status (*run)(ExecContext *exec, const PhysNode *node, Consumer *consumer))
{
    OperatorProfile *profile = &exec->options->profile[node->id];
    ProfileConsumer wrapped = {
        {push_profiled, consumer->is_full == NULL ? NULL : profiled_is_full, consumer->takes_parts, consumer->takes_whole},
        consumer,
        profile};
    int64_t start_us = env_monotonic_us(environment_real());
    Status status = run(exec, node, &wrapped.consumer);
    atomic_fetch_add(&profile->run_us, env_monotonic_us(environment_real()) - start_us);
    return status;
}

static void finish_node(ExecContext *exec, const PhysNode *node)
{
    OperatorProfile *profile = &exec->options->profile[node->id];
    int64_t own_us = profile->run_us * (node->child_count == 0 ? exec->worker_count : 1);
    for (uint32_t i = 0; i < node->child_count; i++) {
        const OperatorProfile *child = &exec->options->profile[node->children[i]->id];
        own_us += child->push_us - child->run_us;
        finish_node(exec, node->children[i]);
    }
    profile->time_us = MAX(own_us - profile->push_us, 0);
    profile->peak_bytes = atomic_load(&exec->memories[node->id].peak_bytes);
    profile->spilled_bytes = atomic_load(&exec->spilled[node->id]);
    if (profile->spilled_bytes > 0 && exec->options->spill_mode == SPILL_FORCE)
        profile_choice(exec, node, "spilled: spill_mode is force");
    else if (profile->spilled_bytes > 0)
        profile_choice(exec, node, "spilled: more than its share of %lld bytes", (long long)spill_allowance(exec, node));
}

void profile_finish(ExecContext *exec)
{
    finish_node(exec, exec->plan->root);
}

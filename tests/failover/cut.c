#include "failover/cut.h"

/* FAILOVER_NETWORK is the first three bytes of the addresses, FAILOVER_NAMESPACE what the names of namespaces and of links to them
 * start with; node i is at .10+i. */

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_FIRST = 10, NODES_MAX = 8, WORD_BYTES = 64 };

bool cut_has_namespaces(void)
{
    return getenv("FAILOVER_NETWORK") != NULL && getenv("FAILOVER_NAMESPACE") != NULL;
}

const char *cut_host(int node)
{
    static _Thread_local char hosts[NODES_MAX][WORD_BYTES];
    if (!cut_has_namespaces())
        return "127.0.0.1";
    snprintf(hosts[node], WORD_BYTES, "%.20s.%d", getenv("FAILOVER_NETWORK"), HOST_FIRST + node);
    return hosts[node];
}

static void add_setting(ServerOptions *options, char text[WORD_BYTES], const char *key, const char *value)
{
    snprintf(text, WORD_BYTES, "%s=%s", key, value);
    options->settings[options->setting_count++] = text;
}

void cut_place(int node, ServerOptions *options)
{
    static char names[NODES_MAX][WORD_BYTES], texts[NODES_MAX][3][WORD_BYTES];
    if (!cut_has_namespaces())
        return;
    snprintf(names[node], WORD_BYTES, "%.20s%d", getenv("FAILOVER_NAMESPACE"), node);
    const char *const words[SERVER_RUNNER_MAX] = {"ip", "netns", "exec", names[node]};
    memcpy(options->runner, words, sizeof(words));
    add_setting(options, texts[node][0], "bind_address", cut_host(node));
    add_setting(options, texts[node][1], "advertise_address", cut_host(node));
    add_setting(options, texts[node][2], "allow_remote_without_password", "true");
}

static bool run_command(const char *const arguments[])
{
    pid_t pid;
    int state = -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool is_run = posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)(uintptr_t)arguments, environ) == 0 &&
                  waitpid(pid, &state, 0) == pid;
    posix_spawn_file_actions_destroy(&actions);
    return is_run && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static bool run_iptables(const char *what, const char *direction, const char *which, int port)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", port);
    const char *arguments[] = {"iptables", "-w", what, direction, "-i", "lo", "-p", "tcp", which, number, "-j", "DROP", NULL};
    return run_command(arguments);
}

static bool set_link(int node, bool is_cut)
{
    char link[WORD_BYTES];
    snprintf(link, sizeof(link), "%.20s%d", getenv("FAILOVER_NAMESPACE"), node);
    const char *arguments[] = {"ip", "link", "set", link, is_cut ? "down" : "up", NULL};
    return run_command(arguments);
}

bool cut_set(int node, int port, bool is_cut)
{
    if (cut_has_namespaces())
        return set_link(node, is_cut);
    const char *what = is_cut ? "-I" : "-D";
    bool to = run_iptables(what, "INPUT", "--dport", port), from = run_iptables(what, "INPUT", "--sport", port);
    return to && from;
}

bool cut_is_possible(void)
{
    return getenv("FAILOVER_OWN_NETWORK") != NULL && cut_set(0, 9, true) && cut_set(0, 9, false);
}

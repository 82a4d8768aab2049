#include "sql_runner/server_process.h"

/* The server's standard output is a pipe that is read up to the ready line; standard error goes to a file in the
 * data folder, whose end explains a crash. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/environment.h"

enum {
    STOP_SECONDS = 30,
    LAST_WORDS_BYTES = 6000,
    ARGUMENTS_MAX = 2 * SERVER_SETTINGS_MAX + SERVER_RUNNER_MAX + 14,
    PATH_EXTRA_BYTES = 32
};

static void path_of(const ServerProcess *server, const char *name, char out[SERVER_PATH_BYTES + PATH_EXTRA_BYTES])
{
    int length = snprintf(out, SERVER_PATH_BYTES + PATH_EXTRA_BYTES, "%s/%s", server->folder, name);
    CHECK(length > 0 && length < SERVER_PATH_BYTES + PATH_EXTRA_BYTES);
}

Status server_open(ServerProcess *server, const ServerOptions *options, Diag *diag)
{
    const char *temporary = getenv("TMPDIR");
    *server = (ServerProcess){.options = options};
    int length = snprintf(server->folder, sizeof(server->folder), "%s/merak-sql-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (length >= (int)sizeof(server->folder) || mkdtemp(server->folder) == NULL)
        return RAISE(diag, IO, "cannot make a folder %s: %s", server->folder, strerror(errno));
    char files[SERVER_PATH_BYTES + PATH_EXTRA_BYTES];
    path_of(server, "files", files);
    return mkdir(files, 0700) == 0 ? OK : RAISE(diag, IO, "cannot make a folder %s: %s", files, strerror(errno));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *position)
{
    (void)info;
    (void)kind;
    (void)position;
    return remove(path);
}

void server_close(ServerProcess *server)
{
    if (server->pid != 0)
        status_ignore(server_stop(server, true, NULL)); /* the file has failed already, if it has */
    if (server->folder[0] != '\0')
        nftw(server->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    server->folder[0] = '\0';
}

static Status spawn(ServerProcess *server, int out_fd, Diag *diag)
{
    char data[SERVER_PATH_BYTES + PATH_EXTRA_BYTES], errors[SERVER_PATH_BYTES + PATH_EXTRA_BYTES];
    const char *fixed[] = {server->options->binary, "server", "--data-dir", data, "--set", "query_port=0", "--set", "http_port=0"};
    const char *arguments[ARGUMENTS_MAX] = {NULL};
    int count = 0;
    char files[SERVER_PATH_BYTES + PATH_EXTRA_BYTES + 32];
    snprintf(files, sizeof(files), "files_local_directory=%s/files", server->folder);
    for (int i = 0; i < SERVER_RUNNER_MAX && server->options->runner[i] != NULL; i++)
        arguments[count++] = server->options->runner[i];
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        arguments[count++] = fixed[i];
    arguments[count++] = "--set";
    arguments[count++] = files;
    for (int i = 0; i < server->options->setting_count; i++) {
        arguments[count++] = "--set";
        arguments[count++] = server->options->settings[i];
    }
    path_of(server, "data", data);
    path_of(server, "stderr", errors);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int code = posix_spawnp(&server->pid, arguments[0], &actions, NULL, (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code == 0)
        return OK;
    server->pid = 0;
    return RAISE(diag, IO, "cannot run %s: %s", arguments[0], strerror(code));
}

/* Reads until the line is there, the pipe ends or time is up. */
static Status await_ready(ServerProcess *server, int fd, Diag *diag)
{
    char line[512];
    size_t length = 0;
    int64_t deadline = env_monotonic_us(environment_real()) + (int64_t)server->options->start_seconds * 1000000;
    while (length < sizeof(line) - 1) {
        int64_t left = deadline - env_monotonic_us(environment_real());
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&wait, 1, (int)(left / 1000) + 1) < 0)
            break;
        if ((wait.revents & (POLLIN | POLLHUP)) == 0)
            continue;
        ssize_t n = read(fd, line + length, sizeof(line) - 1 - length);
        if (n <= 0)
            break;
        length += (size_t)n;
        line[length] = '\0';
        int pid;
        if (strchr(line, '\n') != NULL &&
            /* NOLINTNEXTLINE(cert-err34-c): the server prints its own numbers */
            sscanf(line, "merak ready query_port=%d http_port=%d pid=%d", &server->query_port, &server->http_port, &pid) == 3)
            return OK;
    }
    return RAISE(diag, NETWORK, "the server did not get ready");
}

Status server_start(ServerProcess *server, Diag *diag)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return RAISE(diag, IO, "cannot make a pipe: %s", strerror(errno));
    Status status = spawn(server, ends[1], diag);
    close(ends[1]);
    if (status == OK)
        status = await_ready(server, ends[0], diag);
    close(ends[0]);
    return status;
}

bool server_is_alive(const ServerProcess *server)
{
    siginfo_t info = {0};
    return server->pid != 0 && waitid(P_PID, (id_t)server->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* Waits for the end; -1 when it does not come. */
static int await_end(pid_t pid)
{
    int state;
    for (int64_t waited = 0; waited < (int64_t)STOP_SECONDS * 1000; waited += 2) {
        if (waitpid(pid, &state, WNOHANG) == pid)
            return state;
        usleep(2000);
    }
    return -1;
}

Status server_stop(ServerProcess *server, bool has_kill, Diag *diag)
{
    pid_t pid = server->pid;
    if (pid == 0)
        return RAISE(diag, IO, "the server does not run");
    server->pid = 0;
    kill(pid, has_kill ? SIGKILL : SIGTERM);
    int state = await_end(pid);
    if (state == -1) {
        kill(pid, SIGKILL);
        waitpid(pid, &state, 0);
        return RAISE(diag, QUERY_TIMEOUT, "the server did not stop within %d s", STOP_SECONDS);
    }
    if (has_kill && WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL)
        return OK;
    if (WIFSIGNALED(state))
        return RAISE(diag, INTERNAL, "the server died of signal %d (%s)", WTERMSIG(state), strsignal(WTERMSIG(state)));
    if (WEXITSTATUS(state) != 0)
        return RAISE(diag, INTERNAL, "the server ended with exit code %d", WEXITSTATUS(state));
    return OK;
}

Status server_check(const ServerProcess *server, Diag *diag)
{
    char volume[SERVER_PATH_BYTES + PATH_EXTRA_BYTES], errors[SERVER_PATH_BYTES + PATH_EXTRA_BYTES];
    path_of(server, "data/volume", volume);
    path_of(server, "stderr", errors);
    const char *arguments[] = {server->options->binary, "fsck", "--volume", volume, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid;
    int code = posix_spawn(&pid, server->options->binary, &actions, NULL, (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return RAISE(diag, IO, "cannot run %s: %s", server->options->binary, strerror(code));
    int state = await_end(pid);
    if (state == 0)
        return OK;
    if (state == -1)
        kill(pid, SIGKILL);
    return RAISE(diag, CORRUPT, "merak fsck finds something wrong with what the server left");
}

const char *server_last_words(const ServerProcess *server, Arena *arena)
{
    char path[SERVER_PATH_BYTES + PATH_EXTRA_BYTES];
    path_of(server, "stderr", path);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return "";
    char *text = arena_alloc_bytes(arena, LAST_WORDS_BYTES + 1);
    if (fseek(file, -LAST_WORDS_BYTES, SEEK_END) != 0)
        rewind(file);
    size_t length = fread(text, 1, LAST_WORDS_BYTES, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

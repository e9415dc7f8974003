/* Calls that change files, made to fail; loaded with LD_PRELOAD.
 *
 * In: `faults`, called with the path of a directory, a number from 1 on, and an errno or one of the
 * constants below. Out: calls that concern what is below the directory are counted, over all
 * threads and forked processes, and that one fails, or the process or the directory goes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING = 0, KILL = -1, RENAME = -2, SIGNAL = -3, MOST = 4096 };

struct shared {
    int count, hit;
    char names[MOST][16];
};
static struct shared *shared;
static char below[PATH_MAX], moved[PATH_MAX];
static int at, what;

void faults(const char *directory, int number, int action) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(moved, sizeof moved, "%s.moved", directory);
    at = number;
    what = action;
    strcpy(below, directory);
}

int faults_count(void) { return shared->count; }
int faults_hit(void) { return shared->hit; }
const char *faults_name(int number) { return shared->names[number - 1]; }

static int is_below(const char *path) {
    size_t length = strlen(below);
    return !strncmp(path, below, length) && (path[length] == '/' || path[length] == 0);
}

static int fd_is_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int name_is_below(int directory, const char *name) {
    char path[PATH_MAX];
    if (name[0] == '/') return is_below(name);
    if (directory != AT_FDCWD) return fd_is_below(directory);
    return getcwd(path, sizeof path) && is_below(path);
}

/* Counts a call; returns the errno that it is to fail with, or 0. */
static int fault(const char *name) {
    int number = __atomic_add_fetch(&shared->count, 1, __ATOMIC_SEQ_CST);
    if (number <= MOST) strncpy(shared->names[number - 1], name, sizeof shared->names[0] - 1);
    if (number != at) return 0;
    shared->hit = 1;
    if (what == KILL) syscall(SYS_kill, getpid(), SIGKILL);
    if (what == SIGNAL) syscall(SYS_kill, getpid(), SIGTERM);
    if (what == RENAME) syscall(SYS_rename, below, moved);
    return what > 0 ? what : 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* As many calls as there are have one body; they are told apart by whom they concern. */
#define CALL(type, name, told, parameters, arguments, concerned, failing)                         \
    type name parameters {                                                                         \
        int number = 0;                                                                            \
        if (*below && (concerned) && (number = fault(told))) { failing; }                          \
        return REAL(name) arguments;                                                               \
    }
#define FAIL errno = number; return -1
#define ON_FD(type, name, told, parameters, arguments)                                            \
    CALL(type, name, told, parameters, arguments, fd_is_below(fd), FAIL)

ON_FD(ssize_t, write, "write", (int fd, const void *b, size_t n), (fd, b, n))
ON_FD(ssize_t, pwrite, "pwrite", (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
ON_FD(ssize_t, pwrite64, "pwrite", (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
ON_FD(ssize_t, writev, "writev", (int fd, const struct iovec *v, int n), (fd, v, n))
ON_FD(ssize_t, pwritev, "pwritev", (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
ON_FD(ssize_t, pwritev64, "pwritev", (int fd, const struct iovec *v, int n, off64_t o),
      (fd, v, n, o))
ON_FD(int, fallocate, "fallocate", (int fd, int m, off_t o, off_t n), (fd, m, o, n))
ON_FD(int, fallocate64, "fallocate", (int fd, int m, off64_t o, off64_t n), (fd, m, o, n))
ON_FD(int, ftruncate, "ftruncate", (int fd, off_t n), (fd, n))
ON_FD(int, ftruncate64, "ftruncate", (int fd, off64_t n), (fd, n))
ON_FD(int, fsync, "fsync", (int fd), (fd))
ON_FD(int, fdatasync, "fdatasync", (int fd), (fd))
ON_FD(int, fchmod, "fchmod", (int fd, mode_t m), (fd, m))
ON_FD(int, fchown, "fchown", (int fd, uid_t u, gid_t g), (fd, u, g))
CALL(int, posix_fallocate, "fallocate", (int fd, off_t o, off_t n), (fd, o, n), fd_is_below(fd),
     return number)
CALL(int, posix_fallocate64, "fallocate", (int fd, off64_t o, off64_t n), (fd, o, n),
     fd_is_below(fd), return number)

CALL(int, link, "link", (const char *a, const char *b), (a, b), name_is_below(AT_FDCWD, b), FAIL)
CALL(int, linkat, "link", (int c, const char *a, int d, const char *b, int f), (c, a, d, b, f),
     name_is_below(d, b), FAIL)
CALL(int, rename, "rename", (const char *a, const char *b), (a, b), name_is_below(AT_FDCWD, b),
     FAIL)
CALL(int, renameat, "rename", (int c, const char *a, int d, const char *b), (c, a, d, b),
     name_is_below(d, b), FAIL)
CALL(int, unlink, "unlink", (const char *a), (a), name_is_below(AT_FDCWD, a), FAIL)
CALL(int, unlinkat, "unlink", (int d, const char *a, int f), (d, a, f), name_is_below(d, a), FAIL)
CALL(int, mkdir, "mkdir", (const char *a, mode_t m), (a, m), name_is_below(AT_FDCWD, a), FAIL)

#define IS_MADE(flags) (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE)
#define OPENS(name, parameters, arguments, directory)                                             \
    int name parameters {                                                                          \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = IS_MADE(flags) ? va_arg(rest, mode_t) : 0;                                   \
        va_end(rest);                                                                              \
        int number = 0, counts = *below && IS_MADE(flags) && name_is_below(directory, path);       \
        if (counts && (number = fault("open"))) { FAIL; }                                          \
        return REAL(name) arguments;                                                               \
    }
OPENS(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPENS(openat, (int d, const char *path, int flags, ...), (d, path, flags, mode), d)
OPENS(openat64, (int d, const char *path, int flags, ...), (d, path, flags, mode), d)

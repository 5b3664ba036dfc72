/* The launcher: does for the wrapper what cannot be done once an interpreter runs. It is static and needs nothing of
 * the image. First of all it blocks every signal, because PID 1 loses those that come before it has a handler; it
 * inherits orphans, puts the environment out of our loader's and interpreter's sight, and executes them.
 * `--install DIR` copies the directory that it is in. Everything else is the wrapper's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *home = "/eightbells", *target;

static char *join(const char *first, const char *second) {
    char *joined = malloc(strlen(first) + strlen(second) + 1);
    return strcat(strcpy(joined, first), second);
}

/* One line on stderr. The codes are a shell's: 126 for what is there and cannot be executed, 127 for what is not. */
static int refuse(const char *what, const char *why, int code) {
    char *line = join(join("eightbells-wrapper: ", what), join(join(": ", why), "\n"));
    return write(2, line, strlen(line)) < 0 ? code : code; /* nobody reads it: no reason to exit otherwise */
}

/* Our directory is two above our own file, wherever it was copied or mounted. */
static void find_home(void) {
    static char path[4096];
    if (readlink("/proc/self/exe", path, sizeof path - 1) > 0)
        home = dirname(dirname(path));
}

/* What is there is removed first: a file that is being executed cannot be written to. */
static int copy(const char *from, const struct stat *status, int type, struct FTW *place __attribute__((unused))) {
    char *to = join(target, from + strlen(home)), link[4096] = "";
    int source, copied, mode = status->st_mode & 0755; /* not the umask's: another user may run it */
    if (type == FTW_D)
        return (mkdir(to, mode) && errno != EEXIST) || chmod(to, mode);
    if (unlink(to) && errno != ENOENT)
        return -1;
    if (type == FTW_SL)
        return readlink(from, link, sizeof link - 1) < 0 || symlink(link, to);
    if ((source = open(from, O_RDONLY)) < 0 || (copied = open(to, O_WRONLY | O_CREAT | O_EXCL, mode)) < 0)
        return -1;
    for (off_t left = status->st_size, sent; left > 0; left -= sent)
        if ((sent = sendfile(copied, source, NULL, left)) <= 0)
            return -1;
    return close(source) || fchmod(copied, mode) || close(copied);
}

static int install(char *directory) {
    struct statvfs mount;
    int failed = mkdir(target = directory, 0755) && errno != EEXIST;
    for (char **part = (char *[]){"/bin", "/lib", "/share", "/eightbells", NULL}; *part && !failed; part++)
        failed = nftw(join(home, *part), copy, 16, FTW_PHYS); /* home itself may be a container's whole root */
    if (failed || statvfs(target, &mount))
        return refuse(join("cannot install to ", target), strerror(errno), 1);
    return mount.f_flag & ST_NOEXEC ? refuse(target, "is mounted noexec: nothing in it can be executed", 126) : 0;
}

int main(int argc, char **argv, char **environment) {
    /* The kernel's own call: the C library would leave out what it keeps for itself, and 34 is a signal to everybody
     * else. 32 and 33 are the business of threads in every C library. */
    unsigned long long all = ~(3ULL << 31), found = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &found, sizeof all);
    find_home();
    if (argc > 1 && !strcmp(argv[1], "--install"))
        return argc == 3 ? install(argv[2]) : refuse("--install", "name one directory", 2);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    /* Each name goes on with a first byte that no known name has: LD_PRELOAD, LANG, SSL_CERT_FILE mean nothing on the
     * way, no entry grows beyond what can be executed, and the wrapper's launch.py undoes it. */
    for (char **entry = environment; *entry; entry++)
        if (**entry & 0x80)
            *entry = join("\1", *entry);
        else if (**entry)
            **entry |= 0x80;

    /* The mask that we found is the command's. It is an option, because no variable of the image can forge one. */
    char mask[] = "found=0000000000000000", *libraries = join(home, "/lib"), *loader = join(home, "/lib/eightbells");
    for (char *digit = mask + sizeof mask - 2; found; found >>= 4)
        *digit-- = "0123456789abcdef"[found & 15];
    char *python = join(home, "/bin/python3.11"), *words[] = {
        "eightbells-wrapper", "--inhibit-cache", "--library-path", libraries, "--argv0", python, python,
        "-X", "utf8", "-X", mask, "-ISBc", "from eightbells.wrapper.main import main; main()"};
    size_t ours = sizeof words / sizeof *words;
    char **command = calloc(ours + argc + 1, sizeof *command);
    memcpy(command, words, sizeof words);
    memcpy(command + ours, argv + 1, (argc ? argc - 1 : 0) * sizeof *argv);
    execve(loader, command, environment);
    if (errno == ENOENT)
        return refuse(loader, "is not there: copy the whole directory, not the launcher alone", 127);
    return refuse(loader, errno == ENOEXEC ? "is for another architecture: take the directory that is for this one"
                        : errno == EACCES  ? "cannot be executed: is it mounted noexec?" : strerror(errno), 126);
}

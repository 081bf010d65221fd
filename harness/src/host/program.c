/* Where a system's node program is, and whether it can run here. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/runner.h"

/* The machine an ELF file is for; EM_NONE when it is no ELF file, such as a script. */
static uint16_t elf_machine(const char *path)
{
    Elf64_Ehdr header; /* e_machine stands at the same place in 32-bit files. */
    memset(&header, 0, sizeof header);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return EM_NONE;
    }
    ssize_t got = read(fd, &header, sizeof header);
    close(fd);
    bool is_elf = got >= (ssize_t)sizeof(Elf32_Ehdr) && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
    return is_elf ? header.e_machine : EM_NONE;
}

static enum muster_rc check_program(const char *path, const char *named_by, struct muster_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return muster_error_errno(err, MUSTER_EINVAL, errno, "%s is '%s', which cannot be used", named_by,
                                  path);
    }
    if (!S_ISREG(status.st_mode)) {
        return muster_error_set(err, MUSTER_EINVAL, "%s is '%s', which is no file; name the node program",
                                named_by, path);
    }
    /* By the mode, because access(2) lets root run what has no execute bit at all set by mistake. */
    if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0 || access(path, X_OK) != 0) {
        return muster_error_set(err, MUSTER_EINVAL, "%s is '%s', which is not executable; chmod +x it",
                                named_by, path);
    }
    uint16_t machine = elf_machine(path);
    uint16_t ours = elf_machine("/proc/self/exe");
    if (machine != EM_NONE && ours != EM_NONE && machine != ours) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "%s is '%s', which is built for another machine (ELF machine %u, this is %u); "
            "build it for this one",
            named_by, path, machine, ours);
    }
    return MUSTER_OK;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Beside the running program, where a build or an installation puts both. */
static bool find_beside(const char *program, char path[4096])
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return muster__path(path, NULL, "%s/%s", self, program) == MUSTER_OK && is_program(path);
}

static bool find_in_path(const char *program, char path[4096])
{
    const char *list = getenv("PATH");
    char *copy = list == NULL ? NULL : strdup(list);
    char *rest = NULL;
    bool found = false;
    for (char *item = copy == NULL ? NULL : strtok_r(copy, ":", &rest); item != NULL && !found;
         item = strtok_r(NULL, ":", &rest)) {
        found = item[0] == '/' && muster__path(path, NULL, "%s/%s", item, program) == MUSTER_OK &&
                is_program(path);
    }
    free(copy);
    return found;
}

enum muster_rc muster_program_find(const struct muster_system *system,
                                   const struct muster_variables *variables, char path[4096],
                                   struct muster_error *err)
{
    const char *variable = system->program_variable;
    enum muster_rc rc = muster_variable_named_path(variables, variable, path, err);
    if (rc != MUSTER_OK || path[0] != '\0') {
        return rc != MUSTER_OK ? rc : check_program(path, variable, err);
    }
    if (find_beside(system->program, path) || find_in_path(system->program, path)) {
        return MUSTER_OK;
    }
    /* Last, as it is where an installation was meant to be: what lies beside the program is nearer. */
    const char *installed = system->program_path;
    if (installed != NULL && is_program(installed)) {
        return muster__path(path, err, "%s", installed);
    }
    return muster_error_set(
        err, MUSTER_EINVAL,
        "the node program '%s' of system '%s' is neither beside this program nor in PATH%s%s; %s%s%s",
        system->program, system->name, installed == NULL ? "" : ", nor is it ",
        installed == NULL ? "" : installed, variable != NULL ? "set " : "install it",
        variable != NULL ? variable : "", variable != NULL ? " to its path" : "");
}

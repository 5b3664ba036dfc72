/* Stands in the runtime for the wrapper's prctl.py, and promises the same: through libffi, what that asks of the kernel
 * costs the command four times as long a wait, and the container the memory of libffi. */
#define _GNU_SOURCE
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

static PyObject *hide(PyObject *module UNUSED, PyObject *nothing UNUSED) {
    return PyBool_FromLong(!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

static PyObject *become_subreaper(PyObject *module UNUSED, PyObject *nothing UNUSED) {
    return PyBool_FromLong(!prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

/* Code alone: it is never written to, so that the file has the same, for whoever comes by again. The program itself and
 * the kernel's own page, which has no file, have no path. */
static int release(struct dl_phdr_info *library, size_t size UNUSED, void *page) {
    for (int at = 0; at < library->dlpi_phnum && *library->dlpi_name == '/'; at++) {
        const ElfW(Phdr) *part = &library->dlpi_phdr[at];
        ElfW(Addr) start = library->dlpi_addr + part->p_vaddr, extra = start % *(long *)page;
        if (part->p_type == PT_LOAD && part->p_flags == (PF_R | PF_X))
            madvise((void *)(start - extra), part->p_memsz + extra, MADV_DONTNEED);
    }
    return 0;
}

static PyObject *release_code(PyObject *module UNUSED, PyObject *nothing UNUSED) {
    long page = sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(release, &page);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"hide", hide, METH_NOARGS, NULL}, {"become_subreaper", become_subreaper, METH_NOARGS, NULL},
    {"release_code", release_code, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT, .m_name = "prctl", .m_methods = functions};

PyMODINIT_FUNC PyInit_prctl(void) {
    return PyModuleDef_Init(&definition);
}

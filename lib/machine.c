/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal.h"

int strings_add(struct iommuctl_machine *m, struct strings *s, const char *name)
{
        if (strings_have(s, name))
                return 0;
        if (s->n == s->size) {
                size_t more = MAX(s->size * 2, (size_t)16);
                const char **grown = reallocarray(s->list, more, sizeof(char *));

                if (!grown)
                        return -ENOMEM;
                s->list = grown;
                s->size = more;
        }
        s->list[s->n] = arena_strdup(&m->arena, name);
        if (!s->list[s->n])
                return -ENOMEM;
        s->n++;
        return 0;
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void strings_sort(struct strings *s)
{
        if (s->n > 0)
                qsort(s->list, s->n, sizeof(char *), compare_strings);
}

bool strings_have(const struct strings *s, const char *name)
{
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->list[i], name))
                        return true;
        return false;
}

int machine_lines(struct iommuctl_machine *m, const char *path,
                  int (*fn)(struct iommuctl_machine *m, char *line))
{
        struct kernel *k = m->sysfs.k;
        struct scoped_fd fd _cleanup_fd_ = SCOPED_FD(
                k, sysfs_open(&m->sysfs, path, O_RDONLY | O_NOCTTY | O_NONBLOCK));
        char text[4096 + 1];
        bool skipping = false;
        size_t n = 0;

        if (fd.fd < 0)
                return fd.fd;
        for (;;) {
                ssize_t r = k->ops->read(k, fd.fd, text + n, sizeof(text) - 1 - n);
                char *line = text, *newline;

                if (r < 0)
                        return (int)r;
                n += (size_t)r;
                if (r == 0 && n > 0)
                        text[n++] = '\n'; /* the last line may lack its own */
                while ((newline = memchr(line, '\n', n - (size_t)(line - text)))) {
                        int end = 0;

                        *newline = '\0';
                        if (!skipping)
                                end = fn(m, line);
                        if (end != 0)
                                return end;
                        skipping = false;
                        line = newline + 1;
                }
                if (r == 0)
                        return 0;
                n -= (size_t)(line - text);
                memmove(text, line, n);
                if (n == sizeof(text) - 1) {
                        skipping = true;
                        n = 0;
                }
        }
}

static int read_kernel(struct iommuctl_machine *m)
{
        char text[256];

        if (sysfs_attr(&m->sysfs, "proc/sys/kernel/osrelease", text, sizeof(text)) <= 0)
                return 0;
        m->kernel = arena_strdup(&m->arena, text);
        return m->kernel ? 0 : -ENOMEM;
}

/* Whether a file is the note of a change that a restore would act on: one of another boot is not, nor is what
 * is no note. One that is damaged counts where it has the name of a device, which needs a look. */
static bool is_pending(struct iommuctl_machine *m, const char *name)
{
        char path[512], text[JOURNAL_ENTRY_SIZE], boot[48];
        struct journal_entry entry;
        ssize_t n;

        if (!journal_is_entry(name))
                return false;
        snprintf(path, sizeof(path), JOURNAL_DIR "/%s", name);
        n = sysfs_read(&m->sysfs, path, text, sizeof(text));
        if (n == -EISDIR)
                return false;
        if (n < 0 && n != -EOVERFLOW)
                return true; /* who may not read it still learns of it */
        if (n < 0 || journal_parse(text, name, &entry) < 0) {
                snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", name);
                return sysfs_exists(&m->sysfs, path);
        }
        n = sysfs_attr(&m->sysfs, "proc/sys/kernel/random/boot_id", boot, sizeof(boot));
        return n < 0 || journal_is_of_boot(&entry, boot);
}

static int read_pending(struct iommuctl_machine *m)
{
        struct sysfs_dir dir _cleanup_(sysfs_dir_close);
        const char *name;
        int r;

        r = sysfs_dir_open(&dir, &m->sysfs, JOURNAL_DIR);
        while (r >= 0 && (r = sysfs_dir_next(&dir, &name)) > 0)
                if (is_pending(m, name))
                        r = strings_add(m, &m->pending, name);
        strings_sort(&m->pending);
        return r == -ENOMEM ? r : 0;
}

/* The node, or else the module: the node may be missing where udev has not made it yet or a sandbox hides
 * /dev. A captured tree may lack /dev, too: the class of the same nodes is in sysfs. /dev/vfio/vfio is often
 * there before VFIO is: opening it loads the module (MODULE_ALIAS("devname:vfio/vfio") in
 * drivers/vfio/container.c). */
static bool has_backend(const struct iommuctl_machine *m, const char *node, const char *class,
                        const char *module)
{
        return sysfs_has_name(&m->sysfs, node) || (m->sysfs.captured && sysfs_has_name(&m->sysfs, class)) ||
               strings_have(&m->modules, module);
}

static void read_backends(struct iommuctl_machine *m)
{
        m->has_iommufd = has_backend(m, "dev/iommu", "sys/class/misc/iommu", "iommufd");
        m->has_type1 = has_backend(m, "dev/vfio/vfio", "sys/class/misc/vfio", "vfio_iommu_type1");
}

_public_ int iommuctl_machine_new(struct iommuctl_ctx *ctx, struct iommuctl_machine **ret_machine)
{
        struct iommuctl_machine *m _cleanup_(iommuctl_machine_freep) = calloc(1, sizeof(*m));
        int r = m ? 0 : -ENOMEM;

        if (r >= 0) {
                m->sysfs = (struct sysfs){ ctx->kernel, ctx->root_fd, ctx->root != NULL };
                r = read_kernel(m);
        }
        if (r >= 0)
                r = machine_read_modules(m);
        if (r >= 0)
                r = machine_read_irqs(m);
        if (r >= 0)
                r = machine_read_firmware(m);
        if (r >= 0)
                r = read_pending(m);
        if (r < 0)
                return ctx_error(ctx, r, NULL, "cannot read the machine: %s", strerror(-r));
        read_backends(m);
        *ret_machine = TAKE_PTR(m);
        return 0;
}

_public_ void iommuctl_machine_free(struct iommuctl_machine *m)
{
        if (!m)
                return;
        free(m->modules.list);
        free(m->pending.list);
        arena_free(&m->arena);
        free(m);
}

_public_ const char *iommuctl_machine_kernel(const struct iommuctl_machine *m)
{
        return m->kernel;
}

_public_ enum iommuctl_state iommuctl_machine_interrupt_remapping(const struct iommuctl_machine *m)
{
        return m->interrupt_remapping;
}

_public_ size_t iommuctl_machine_n_modules(const struct iommuctl_machine *m)
{
        return m->modules.n;
}

_public_ const char *iommuctl_machine_module(const struct iommuctl_machine *m, size_t index)
{
        return index < m->modules.n ? m->modules.list[index] : NULL;
}

_public_ bool iommuctl_machine_has_iommufd(const struct iommuctl_machine *m)
{
        return m->has_iommufd;
}

_public_ bool iommuctl_machine_has_type1(const struct iommuctl_machine *m)
{
        return m->has_type1;
}

_public_ enum iommuctl_no_iommu iommuctl_machine_no_iommu(const struct iommuctl_machine *m)
{
        return m->no_iommu;
}

_public_ const char *iommuctl_machine_iommu_table(const struct iommuctl_machine *m)
{
        return m->iommu_table;
}

_public_ const char *iommuctl_machine_cpu_vendor(const struct iommuctl_machine *m)
{
        return m->cpu_vendor;
}

_public_ size_t iommuctl_machine_n_pending(const struct iommuctl_machine *m)
{
        return m->pending.n;
}

_public_ const char *iommuctl_machine_pending(const struct iommuctl_machine *m, size_t index)
{
        return index < m->pending.n ? m->pending.list[index] : NULL;
}

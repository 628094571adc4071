/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of this process: mmap and its kin are the real thing, with books kept so that leaks show. Huge pages
 * are counted, and their rules kept, over ordinary memory. */
#include "fake_vfio.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_SHIFT(flags) (((unsigned int)(flags) >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK)

static int pool_of(uint64_t huge_size)
{
        return huge_size == 1u << 30;
}

static uint64_t pool_size(const struct fake *m, int pool)
{
        return pool ? (uint64_t)m->options.hugepages_1g << 30 : (uint64_t)m->options.hugepages_2m << 21;
}

/* Takes [START, END) out of the books: unmapped, or mapped over. */
static void forget(struct fake *m, uintptr_t start, uintptr_t end)
{
        struct fake_mmap **p = &m->mmaps;

        while (*p) {
                struct fake_mmap *a = *p;

                if (a->dead || a->end <= start || a->start >= end) {
                        p = &a->next;
                        continue;
                }
                if (a->start < start && a->end > end) {
                        struct fake_mmap *tail = fake_zalloc(sizeof(*tail));

                        *tail = *a;
                        if (tail->file)
                                tail->file->refs++;
                        tail->start = end;
                        tail->huge_bytes = 0;
                        a->next = tail;
                        a->end = start;
                        return;
                }
                if (a->start < start) {
                        a->end = start;
                } else if (a->end > end) {
                        a->start = end;
                } else {
                        m->huge_used[a->huge_shift == 30] -= a->huge_bytes;
                        *p = a->next;
                        if (a->file)
                                fake_file_put(m, a->file);
                        free(a);
                        continue;
                }
                p = &a->next;
        }
}

struct fake_device *fake_registers_at(struct fake *m, uint64_t vaddr, uint64_t size)
{
        for (struct fake_mmap *a = m->mmaps; a; a = a->next)
                if (fake_device_file_of(a->file) && !a->dead && a->start < vaddr + size && vaddr < a->end)
                        return fake_device_file_of(a->file)->device;
        return NULL;
}

static void remember(struct fake *m, void *map, size_t length, uint64_t huge_size, struct fake_file *file)
{
        struct fake_mmap *a = fake_zalloc(sizeof(*a));
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

        a->start = (uintptr_t)map;
        a->end = a->start + ((length + page - 1) & ~(page - 1));
        if (huge_size) {
                a->huge_bytes = a->end - a->start;
                a->huge_shift = pool_of(huge_size) ? 30 : 21;
                m->huge_used[pool_of(huge_size)] += a->huge_bytes;
        }
        if (file && file->ops && file->ops->mmap) {
                a->file = file;
                file->refs++;
        }
        a->next = m->mmaps;
        m->mmaps = a;
}

/* Where hugetlbfs would put it: aligned to its pages (hugetlb_get_unmapped_area, fs/hugetlbfs/inode.c). */
static int map_aligned(void **addr, size_t length, size_t alignment)
{
        char *area, *at;

        area = mmap(NULL, length + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
                return -errno;
        at = (char *)(((uintptr_t)area + alignment - 1) & ~(uintptr_t)(alignment - 1));
        if (at > area)
                munmap(area, (size_t)(at - area));
        munmap(at + length, (size_t)(area + alignment - at));
        *addr = at;
        return 0;
}

int fake_do_mmap(struct fake *m, void *addr, size_t length, int prot, int flags, int fd, uint64_t offset,
                 void **ret_map)
{
        struct fake_file *f = flags & MAP_ANONYMOUS ? NULL : fake_file_get(m, fd);
        uint64_t huge = 0;
        int real_fd = fd, r;
        void *map;

        if (length == 0)
                return -EINVAL;
        if (!(flags & MAP_ANONYMOUS)) {
                if (!f || f->flags & O_PATH)
                        return -EBADF;
                huge = f->huge_size;
                if (f->ops && f->ops->mmap) {
                        r = f->ops->mmap(m, f, offset, length, prot, &real_fd, &offset);
                        if (r < 0)
                                return r;
                } else if (!f->real) {
                        return -ENODEV;
                }
        } else if (flags & MAP_HUGETLB) {
                huge = HUGE_SHIFT(flags) ? 1ull << HUGE_SHIFT(flags) : 1u << 21;
        }
        if (huge) {
                length = (size_t)((length + huge - 1) & ~(huge - 1));
                if (offset & (huge - 1) || (flags & MAP_FIXED && (uintptr_t)addr & (huge - 1)))
                        return -EINVAL;
                if (m->huge_used[pool_of(huge)] + length > pool_size(m, pool_of(huge)))
                        return -ENOMEM;
                if (!(flags & MAP_FIXED)) {
                        r = map_aligned(&addr, length, huge);
                        if (r < 0)
                                return r;
                        flags |= MAP_FIXED;
                }
                flags &= ~(MAP_HUGETLB | (int)((unsigned int)MAP_HUGE_MASK << MAP_HUGE_SHIFT) | MAP_POPULATE);
        }
        map = mmap(addr, length, prot, flags, real_fd, (off_t)offset);
        if (map == MAP_FAILED)
                return -errno;
        forget(m, (uintptr_t)map, (uintptr_t)map + length);
        remember(m, map, length, huge, f);
        *ret_map = map;
        return 0;
}

/* Whether START to END would cut a huge page of a mapping (hugetlb_vm_op_split(), mm/hugetlb.c). */
static bool cuts_a_huge_page(const struct fake *m, uintptr_t start, uintptr_t end)
{
        for (const struct fake_mmap *a = m->mmaps; a; a = a->next) {
                const uintptr_t inside = ((uintptr_t)1 << a->huge_shift) - 1;

                if (a->dead || !a->huge_bytes || a->end <= start || a->start >= end)
                        continue;
                if ((start > a->start && start & inside) || (end < a->end && end & inside))
                        return true;
        }
        return false;
}

int fake_do_madvise(struct fake *m, void *addr, size_t length, int advice)
{
        if (advice == MADV_POPULATE_WRITE && !fake_linux(m, 5, 14))
                return -EINVAL;
        return kernel_real.ops->madvise(&kernel_real, addr, length, advice);
}

/* A node that is not there, or has no memory: EINVAL (mpol_set_nodemask(), mm/mempolicy.c). What is asked for
 * last counts. */
int fake_do_mbind(struct fake *m, void *addr, size_t length, int mode, unsigned int node)
{
        struct fake_policy *policy = &m->policies[m->n_policies++ % ARRAY_SIZE(m->policies)];

        if (m->options.numa_nodes == 0)
                return -ENOSYS;
        if (node >= m->options.numa_nodes)
                return -EINVAL;
        *policy = (struct fake_policy){ (uintptr_t)addr, (uintptr_t)addr + length, mode, node };
        return 0;
}

int fake_policy(struct fake *m, const void *addr, unsigned int *ret_node)
{
        for (unsigned int i = m->n_policies; i-- > 0;) {
                const struct fake_policy *policy = &m->policies[i % ARRAY_SIZE(m->policies)];

                if ((uintptr_t)addr >= policy->start && (uintptr_t)addr < policy->end) {
                        *ret_node = policy->node;
                        return policy->mode;
                }
                if (m->n_policies - i >= ARRAY_SIZE(m->policies))
                        break;
        }
        return 0;
}

int fake_do_munmap(struct fake *m, void *addr, size_t length)
{
        if (cuts_a_huge_page(m, (uintptr_t)addr, (uintptr_t)addr + length))
                return -EINVAL;
        if (munmap(addr, length) < 0)
                return -errno;
        forget(m, (uintptr_t)addr, (uintptr_t)addr + length);
        return 0;
}

void fake_forget_mmaps(struct fake *m)
{
        for (struct fake_mmap *a = m->mmaps; a; a = a->next) {
                if (a->file)
                        fake_file_put(m, a->file);
                a->file = NULL;
                m->huge_used[a->huge_shift == 30] -= a->dead ? 0 : a->huge_bytes;
                a->dead = true;
        }
}

void fake_free_mmaps(struct fake *m)
{
        while (m->mmaps) {
                struct fake_mmap *a = m->mmaps;

                m->mmaps = a->next;
                munmap((void *)a->start, a->end - a->start);
                free(a);
        }
}

static int real_file(struct fake *m, int fd, uint64_t huge_size)
{
        struct fake_file *f = fake_zalloc(sizeof(*f));

        f->refs = 1;
        f->real = true;
        f->flags = O_RDWR;
        f->huge_size = huge_size;
        fd = fake_fd_install(m, f, fd);
        if (fd < 0)
                free(f);
        return fd;
}

int fake_do_memfd_create(struct fake *m, const char *name, unsigned int flags)
{
        uint64_t huge = 0;

        if (flags & MFD_HUGETLB) {
                huge = HUGE_SHIFT(flags) ? 1ull << HUGE_SHIFT(flags) : 1u << 21;
                if (huge != 1u << 21 && huge != 1u << 30) /* no such hstate: hugetlb_file_setup() */
                        return -ENODEV;
                flags &= ~(MFD_HUGETLB | ((unsigned int)MAP_HUGE_MASK << MAP_HUGE_SHIFT));
        }
        return real_file(m, memfd_create(name, flags | MFD_CLOEXEC), huge);
}

int fake_do_eventfd(struct fake *m, unsigned int value, int flags)
{
        return real_file(m, eventfd(value, flags | EFD_CLOEXEC), 0);
}

int fake_do_dup(struct fake *m, int fd)
{
        struct fake_file *f = fake_file_get(m, fd);
        int copy;

        if (!f)
                return -EBADF;
        copy = fake_fd_install(m, f, fcntl(fd, F_DUPFD_CLOEXEC, 3));
        if (copy >= 0)
                f->refs++;
        return copy;
}

int fake_do_replace_fd(struct fake *m, int fd, int by)
{
        struct fake_file *f = fake_file_get(m, fd), *other = fake_file_get(m, by);

        if (!f || !other || f->real)
                return f && other ? -EINVAL
                                  : -EBADF; /* of real ones the number itself would have to change */
        other->refs++;
        m->fds[fd] = other;
        fake_file_put(m, f);
        return 0;
}

int fake_do_ftruncate(struct fake *m, int fd, uint64_t size)
{
        struct fake_file *f = fake_file_get(m, fd);

        if (!f || f->flags & O_PATH)
                return -EBADF;
        if ((f->flags & O_ACCMODE) == O_RDONLY)
                return -EINVAL;
        if (f->real) {
                if (f->huge_size && size & (f->huge_size - 1)) /* hugetlbfs_setattr(), fs/hugetlbfs/inode.c */
                        return -EINVAL;
                return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
        }
        if (!f->node || f->node->type != FAKE_REG || f->node->attribute)
                return -EINVAL;
        if (size < f->node->size) {
                f->node->size = (size_t)size;
        } else if (size > f->node->size) {
                char *data = fake_zalloc((size_t)size + 1);

                memcpy(data, f->node->data, f->node->size);
                free(f->node->data);
                f->node->data = data;
                f->node->size = (size_t)size;
        }
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of the machine in memory, shared by the files of this folder and by nothing else. The lock is
 * held in all of it. */

#include <pthread.h>
#include <stdio.h>

#include "fake.h"
#include "util/macro.h"

#define FAKE_MAX_FDS 1024

struct fake_node;
struct fake_file;

/* A file whose content is made when it is read, and whose writing does something: sysfs. */
struct fake_attribute {
        /* Fills BUF, returns the length or a negative errno. */
        int (*show)(struct fake *m, struct fake_node *node, char *buf, size_t size);
        /* VALUE is ended with NUL. 0, or a negative errno. */
        int (*store)(struct fake *m, struct fake_node *node, const char *value);
};

enum fake_node_type { FAKE_DIR, FAKE_REG, FAKE_LINK, FAKE_CHR, FAKE_BLK };

struct fake_node {
        struct fake_node *parent, *children, *next;
        struct fake_node
                *next_of_all; /* nodes live as long as the machine: open files may point at removed ones */
        enum fake_node_type type;
        char *name;
        char *data; /* content, or the target of a link */
        size_t size;
        mode_t mode;
        uid_t uid;
        unsigned int major, minor;
        uint64_t ino;
        bool gone;
        struct fake_file *locked_by; /* flock(2), exclusive */
        const struct fake_attribute *attribute;
        void *owner; /* what the attribute or the device node is of */
        int (*open)(struct fake *m, struct fake_node *node, struct fake_file *file);
};

struct fake_file_ops {
        ssize_t (*pread)(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset);
        ssize_t (*pwrite)(struct fake *m, struct fake_file *f, const void *buf, size_t size, uint64_t offset);
        int (*ioctl)(struct fake *m, struct fake_file *f, unsigned long request, void *arg);
        /* Says which real descriptor and offset lie behind. */
        int (*mmap)(struct fake *m, struct fake_file *f, uint64_t offset, size_t length, int prot,
                    int *ret_fd, uint64_t *ret_offset);
        void (*release)(struct fake *m, struct fake_file *f);
        bool stream; /* it may move less than it was asked to */
        const char *what;
};

/* An open file description: what dup() shares. */
struct fake_file {
        unsigned int refs;
        struct fake_node *node; /* NULL: has no path */
        int flags;
        uint64_t pos;
        const struct fake_file_ops *ops; /* NULL: a plain file or directory of the tree */
        void *priv;
        bool real;          /* an eventfd or memfd: the descriptor itself does the work */
        uint64_t huge_size; /* memfd of huge pages: their size */
        bool from_before;   /* opened by a process that was killed */
};

struct fake_mmap {
        struct fake_mmap *next;
        uintptr_t start, end;
        struct fake_file *file; /* a device's: kept open while it is mapped; else NULL */
        bool dead; /* belongs to a killed process: out of the books, but the memory stays until the end */
        uint64_t huge_bytes;
        unsigned int huge_shift;
};

struct fake_policy {
        uintptr_t start, end;
        int mode;
        unsigned int node;
};

struct fake_event {
        struct fake_event *next;
        uint64_t at;
        void (*fn)(struct fake *m, void *userdata);
        void *userdata;
};

struct fake_driver_state {
        struct fake_driver_state *next;
        char *name, *bus, *module, *module_alias;
        int probe_error;
        bool unbind_hangs, managed_dma, vfio, registered;
        char new_ids[256];
        struct fake_node *dir;
};

struct fake_group {
        struct fake_group *next;
        unsigned int id;
        bool ineligible;
        bool noiommu; /* VFIO made it up */
        uint64_t aperture_last;
        struct {
                uint64_t start, end;
                bool relaxable;
        } reserved[16];
        unsigned int n_reserved;
        struct fake_node *dir, *devices;
        /* VFIO: see fake_group.c */
        struct fake_file *opened_by;
        struct fake_container *container;
        unsigned int container_users;
        unsigned int cdev_users;
        void *dma_owner; /* NULL, a container or an iommufd: who drives the group's domain */
};

/* Interrupts of a device: INTx, MSI, MSI-X, error, request (VFIO_PCI_NUM_IRQS). */
#define FAKE_N_IRQS      5
#define FAKE_MAX_VECTORS 64
struct fake_irq {
        unsigned int enabled;        /* the kind is on, and vectors below this have been reached */
        bool held[FAKE_MAX_VECTORS]; /* costs the host a vector */
        int eventfd[FAKE_MAX_VECTORS];
        bool masked[FAKE_MAX_VECTORS];
        int unmask; /* the eventfd that unmasks INTx; its number + 1 */
};

struct fake_device {
        struct fake_device *next;
        char *name, *bus, *native, *override;
        struct fake_pci pci;
        struct fake_group *group;
        struct fake_driver_state *driver;
        struct fake_driver_state *stuck; /* being unbound from this, without an end yet */
        struct fake_node *dir;
        char path[512];
        int vfio_index; /* of vfioN; -1: not a VFIO device now */
        /* VFIO: see fake_device.c */
        unsigned int open_count;
        struct fake_iommufd *iommufd;
        uint32_t devid, pt_id;    /* pt_id: of the IOAS; 0: attached to none */
        struct fake_object *hwpt; /* the page table in it; NULL: the one that attaching makes */
        struct {
                uint32_t pasid;
                struct fake_object *hwpt;
        } pasids[8];
        unsigned int page_answers[2];

        int memory_fd;   /* a memfd: see fake_bar.c */
        uint8_t *memory; /* NULL where it is no PCI device */
        bool silent;     /* memory decoding is off: touching the BARs raises SIGBUS */
        bool pulled;
        uint8_t *saved; /* what the BARs hold meanwhile */
        struct fake_ioeventfd *ioeventfds;
        struct fake_irq irq[FAKE_N_IRQS];
        unsigned int resets, hot_resets;
        char reset_methods[64];  /* as sysfs says them */
        bool pm_allowed, asleep; /* see fake_power.c */
        int pm_eventfd;
        unsigned int wakes;
        unsigned int mig_state, mig_error_at; /* see fake_migration.c */
        int mig_error;
        bool mig_error_stays, mig_reinit, precopy_v2;
        struct fake_session *session;
        struct fake_dma_log *dma_log;                               /* NULL: none is kept */
        unsigned int display_width, display_height, display_buffer; /* see fake_gfx.c */
        struct fake_device *physfn;
        uint8_t vf_token[16];  /* of a PF */
        unsigned int vf_users; /* of a PF: its VFs that are open */
};

struct fake_text {
        char *data;
        size_t length, size;
};

struct fake_route {
        unsigned char family;
        uint32_t table;
        int interfaces[8];
        size_t n;
};

struct fake {
        struct kernel kernel; /* first: the table is reached by it */
        pthread_mutex_t lock;
        struct fake_options options;
        char *release;

        struct fake_route routes[4]; /* what rtnetlink shows */
        size_t n_routes;

        struct fake_node *root, *all_nodes;
        uint64_t last_ino;
        uid_t uid;
        struct fake_file *fds[FAKE_MAX_FDS];
        unsigned int n_fds;
        struct fake_mmap *mmaps;
        struct fake_policy policies[8]; /* the last ones */
        unsigned int n_policies;
        uint64_t huge_used[2]; /* bytes of 2 MiB and 1 GiB pages */

        struct fake_driver_state *drivers;
        struct fake_device *devices;
        struct fake_group *groups;
        struct fake_container *containers;
        struct fake_iommufd *iommufds;
        struct fake_dmabuf *dmabufs;
        int modprobe_status;
        uint64_t node_delay;
        int next_vfio_index;
        int hot_reset_error;
        unsigned int hot_reset_growth;
        uint64_t pinned; /* bytes, against options.memlock */

        uint64_t now;
        struct fake_event *events;
        struct fake_text writes, runs, scratch, audit;

        unsigned int n_calls;
        struct {
                unsigned long request;
                unsigned int count;
        } ioctls[64];
        enum fake_fault_kind fault;
        unsigned int fault_in;
        int fault_error;
        bool fault_hit, dead;
        char fault_where[256];
        pid_t pid;
};

static inline struct fake *fake_of(struct kernel *k)
{
        return container_of(k, struct fake, kernel);
}

/* fake_tree.c: nodes and paths. */
#define FAKE_NOFOLLOW 1u
int fake_walk(struct fake *m, struct fake_node *root, struct fake_node *from, const char *path,
              unsigned int flags, struct fake_node **ret_node, struct fake_node **ret_parent,
              char ret_name[256]);
struct fake_node *fake_child(struct fake_node *dir, const char *name);
struct fake_node *fake_node_new(struct fake *m, struct fake_node *parent, enum fake_node_type type,
                                const char *name);
void fake_node_unlink(struct fake_node *node);
struct fake_node *fake_node_at(struct fake *m, const char *path); /* NULL: not there; follows links */
struct fake_node *fake_mkdirs(struct fake *m, const char *path);
struct fake_node *fake_put(struct fake *m, enum fake_node_type type, const char *path);
void fake_set_data(struct fake_node *node, const void *data, size_t size);
void fake_printf_file(struct fake *m, const char *path, const char *format, ...) _printf_(3, 4);
struct fake_node *fake_add_attribute(struct fake *m, const char *path, const struct fake_attribute *attribute,
                                     void *owner);
void fake_add_relative_link(struct fake *m, const char *path, const char *target);
/* The path of the node from the root, in a static buffer. */
const char *fake_node_path(const struct fake_node *node);
void fake_append(struct fake_text *t, const char *format, ...) _printf_(2, 3);

/* fake_file.c: descriptors. */
int fake_fd_install(struct fake *m, struct fake_file *f, int real_fd);
/* A descriptor for a new open file; takes F over, also on failure. */
int fake_fd_new(struct fake *m, struct fake_file *f);
struct fake_file *fake_file_get(struct fake *m, int fd);
void fake_file_put(struct fake *m, struct fake_file *f);
int fake_fd_close(struct fake *m, int fd);
void fake_close_all(struct fake *m);
int fake_do_openat(struct fake *m, int dirfd, const char *path, int flags, mode_t mode);
int fake_do_open_in_root(struct fake *m, int root_fd, const char *path, int flags);
ssize_t fake_do_read(struct fake *m, int fd, void *buf, size_t size, bool one_byte);
ssize_t fake_do_write(struct fake *m, int fd, const void *buf, size_t size, bool one_byte);
ssize_t fake_do_pread(struct fake *m, int fd, void *buf, size_t size, uint64_t offset);
ssize_t fake_do_pwrite(struct fake *m, int fd, const void *buf, size_t size, uint64_t offset);
int fake_store(struct fake *m, struct fake_node *node, const void *buf, size_t size);

/* fake_dir.c: directories and names. */
ssize_t fake_do_getdents(struct fake *m, int fd, void *buf, size_t size);
ssize_t fake_do_readlinkat(struct fake *m, int dirfd, const char *path, char *buf, size_t size);
int fake_do_fstatat(struct fake *m, int dirfd, const char *path, struct stat *ret_st, int flags);
int fake_do_mkdirat(struct fake *m, int dirfd, const char *path, mode_t mode);
int fake_do_renameat(struct fake *m, int dirfd, const char *from, const char *to);
int fake_do_unlinkat(struct fake *m, int dirfd, const char *path, int flags);
int fake_do_flock(struct fake *m, int fd, int operation);
int fake_base(struct fake *m, int dirfd, struct fake_node **ret_node);

/* fake_memory.c: mmap and its kin. */
int fake_do_mmap(struct fake *m, void *addr, size_t length, int prot, int flags, int fd, uint64_t offset,
                 void **ret_map);
int fake_do_munmap(struct fake *m, void *addr, size_t length);
int fake_do_madvise(struct fake *m, void *addr, size_t length, int advice);
int fake_do_mbind(struct fake *m, void *addr, size_t length, int mode, unsigned int node);
int fake_gfx_ioctl(struct fake *m, struct fake_device *d, unsigned long request, void *arg);
int fake_do_memfd_create(struct fake *m, const char *name, unsigned int flags);
int fake_do_socket(struct fake *m, int domain, int type, int protocol);
int fake_do_eventfd(struct fake *m, unsigned int value, int flags);
int fake_do_dup(struct fake *m, int fd);
int fake_do_replace_fd(struct fake *m, int fd, int by);
int fake_do_ftruncate(struct fake *m, int fd, uint64_t size);
void fake_forget_mmaps(struct fake *m);
/* The device whose registers are mapped there; NULL: none's. */
struct fake_device *fake_registers_at(struct fake *m, uint64_t vaddr, uint64_t size);
/* The release is MAJOR.MINOR or newer. */
bool fake_kernel_is(const struct fake *m, unsigned int major, unsigned int minor);
void fake_free_mmaps(struct fake *m);

/* fake_time.c */
void fake_advance(struct fake *m, uint64_t until);
/* Moves the clock to the next event and runs it; false where there is none up to LIMIT. */
bool fake_next_event(struct fake *m, uint64_t limit);

/* fake_driver.c, fake_bind.c */
struct fake_driver_state *fake_find_driver(struct fake *m, const char *bus, const char *name);
struct fake_device *fake_find_device(struct fake *m, const char *name);
void fake_bind_device(struct fake *m, struct fake_device *d, struct fake_driver_state *drv);
void fake_unbind_device(struct fake *m, struct fake_device *d);
int fake_probe_device(struct fake *m, struct fake_device *d);
void fake_finish_unbind(struct fake *m, struct fake_device *d);
int fake_do_write_guarded(struct fake *m, int dirfd, const char *path, const char *value, size_t size,
                          int timeout_ms, pid_t *ret_pid);
ssize_t fake_do_read_guarded(struct fake *m, int dirfd, const char *path, void *buf, size_t size,
                             int timeout_ms, pid_t *ret_pid);
int fake_do_run(struct fake *m, const char *const argv[]);
int fake_load_module(struct fake *m, const char *name);
extern const struct fake_attribute fake_attr_override, fake_attr_uevent;

/* fake_nodes.c: what VFIO shows in sysfs and /dev. */
int fake_vfio_register(struct fake *m, struct fake_device *d);
void fake_vfio_unregister(struct fake *m, struct fake_device *d);
void fake_vfio_base_nodes(struct fake *m);
/* Another device of the group than BUT is bound to a VFIO driver. */
bool fake_group_has_vfio(struct fake *m, const struct fake_group *g, const struct fake_device *but);

/* fake_container.c, fake_group.c, fake_iommufd.c, fake_device.c: opening their nodes. */
int fake_container_open(struct fake *m, struct fake_node *node, struct fake_file *file);
int fake_group_open(struct fake *m, struct fake_node *node, struct fake_file *file);
int fake_iommufd_open(struct fake *m, struct fake_node *node, struct fake_file *file);
int fake_cdev_open(struct fake *m, struct fake_node *node, struct fake_file *file);

/* fake_pci.c */
struct fake_device *fake_new_device(struct fake *m, const char *bus, const char *name, const char *native,
                                    const char *path);
void fake_join_group(struct fake *m, struct fake_device *d, unsigned int id);
void fake_free_devices(struct fake *m);
/* fake_power.c: around each use of the device. */
void fake_add_power_state(struct fake *m, struct fake_device *d);
void fake_power_get(struct fake_device *d);
void fake_power_put(struct fake_device *d);
/* fake_migration.c: back to running; a stream ends. */
void fake_migration_reset(struct fake_device *d);
/* fake_dma_log.c */
void fake_dma_log_stop(struct fake_device *d);
void fake_dma_log_write(struct fake_device *d, uint64_t iova, uint64_t size);
/* fake_hot_reset.c */
void fake_add_reset_methods(struct fake *m, struct fake_device *d);
struct fake_group *fake_get_group(struct fake *m, unsigned int id);

/* fake_bar.c: the memory of a device. */
#define FAKE_SLOT ((uint64_t)1 << 20) /* configuration space has the first, region N the one after N */
void fake_memory_add(struct fake_device *d);
void fake_memory_free(struct fake_device *d);
/* After the command register was written. */
void fake_command_changed(struct fake_device *d);
/* The command register as at the opening and the closing of the device. */
void fake_command_reset(struct fake_device *d);
uint64_t fake_region_size(const struct fake_device *d, unsigned int index);
/* Where the region is in the memfd. */
uint64_t fake_region_place(unsigned int index);

/* fake_fault.c: to be called at the door of each call; 0, or what the call must answer. */
int fake_enter(struct fake *m, const char *what, const char *detail);
void fake_leave(struct fake *m);
/* How deep this thread is in the machine: its allocations are not the library's. */
extern _Thread_local unsigned int fake_depth;
bool fake_short(struct fake *m);
void fake_count_ioctl(struct fake *m, unsigned long request);

/* fake_ops.c */
extern const struct kernel_ops fake_ops;

/* fake_machine.c: whether the machine's kernel is MAJOR.MINOR or newer. */
bool fake_linux(const struct fake *m, unsigned int major, unsigned int minor);

/* Allocation that ends the test where there is no memory: out-of-memory tests are about the library's own. */
void *fake_zalloc(size_t size);
char *fake_strdup(const char *s);

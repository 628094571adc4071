/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A machine in memory, behind the table of system calls in src/kernel.h.
 *
 * It has a tree of files (sysfs, /proc, /dev, /run), a driver core that binds and unbinds, and VFIO as the
 * kernel serves it: type1 containers, groups, iommufd and device nodes. What it answers follows the kernel's
 * sources (6.12 unless a comment says otherwise), so a caller that gets an order or a size wrong is refused
 * here as there.
 *
 *         struct fake *m = fake_machine_new(NULL);
 *
 *         fake_add_driver(m, "nouveau", NULL);
 *         fake_add_pci(m, "0000:01:00.0", &(struct fake_pci){ .vendor = 0x10de, .driver = "nouveau", .group =
 * 7 }); ctx_new_with_kernel(fake_kernel(m), NULL, &ctx);
 *
 * Descriptors are real ones, so the numbers behave; a memfd, an eventfd and anonymous memory are the real
 * thing. The clock is made up: sleeping and waiting move it and cost no time. Every call takes one lock; the
 * functions below are for the thread that drives the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel.h"

struct fake;

/* What kind of machine. All zeroes is a 6.12 kernel with everything, behind a VT-d with interrupt remapping.
 */
struct fake_options {
        const char *release; /* NULL: "6.12.0-fake". What its version lacks of iommufd is not there */
        bool no_iommu;       /* no groups, no /sys/class/iommu units */
        bool no_iommufd;     /* no /dev/iommu */
        bool no_cdev;        /* no /dev/vfio/devices, as before 6.6 or without VFIO_DEVICE_CDEV */
        bool bind_token;     /* BIND_IOMMUFD takes a VF token, as from 6.17 on */
        bool no_group;       /* no /dev/vfio/N, as without VFIO_GROUP */
        bool no_type1;       /* vfio_iommu_type1 is not loaded */
        bool spapr;          /* its container offers sPAPR TCE in the place of type1: a POWER machine */
        bool noiommu;        /* enable_unsafe_noiommu_mode: devices without a group get one of VFIO's */
        bool no_interrupt_remapping; /* attaching a device ends in EPERM */
        bool no_snoop_control;       /* the IOMMU lets transactions pass that are marked as not snooped */
        bool unsafe_interrupts;      /* allow_unsafe_interrupts=1: it does not */
        bool vfio_pci_missing;       /* vfio-pci is a module that is not loaded yet */
        bool vfio_pci_builtin;       /* no /sys/module/vfio_pci/refcnt, a line in modules.builtin */
        bool override_locked;    /* driver_override waits for a driver that hangs, as in kernels before its
                                    rework */
        uint64_t page_sizes;     /* of the IOMMU; 0: 4 KiB, 2 MiB, 1 GiB */
        bool smmuv3;             /* the IOMMU is an SMMUv3, with vIOMMUs, in place of VT-d */
        bool no_nesting;         /* the IOMMU has no nested page tables */
        bool no_dirty_tracking;  /* nor sees which pages are written */
        unsigned int pasid_bits; /* the width of PASIDs; 0: none */
        unsigned int dma_entry_limit; /* type1's module parameter; 0: 65535 */
        uint64_t memlock;             /* bytes that may be pinned; 0: no limit */
        unsigned int host_vectors;    /* MSI and MSI-X vectors the host can give to a device; 0: no limit */
        unsigned int hugepages_2m;    /* in the pool */
        unsigned int hugepages_1g;
        unsigned int cpus;       /* the process may run on; 0: 2 */
        unsigned int numa_nodes; /* 0: the kernel knows none */
};

struct fake *fake_machine_new(const struct fake_options *options);
/* Frees the machine. NULL is let through. */
void fake_machine_free(struct fake *m);
struct kernel *fake_kernel(struct fake *m);

/* Files. Missing parent directories are made. TEXT is copied. */
void fake_add_dir(struct fake *m, const char *path);
void fake_add_file(struct fake *m, const char *path, const char *text);
void fake_add_data(struct fake *m, const char *path, const void *data, size_t size);
void fake_add_link(struct fake *m, const char *path, const char *target);
/* Takes PATH and all below it away. */
void fake_remove(struct fake *m, const char *path);
void fake_chmod(struct fake *m, const char *path, mode_t mode, uid_t uid);
/* Who calls from here on; 0 at the start. Files are then open to others' bits, or to their owner's. */
void fake_set_uid(struct fake *m, uid_t uid);
/* What a read of PATH would give, in a buffer that lives until the next call; NULL where it is not there. */
const char *fake_read(struct fake *m, const char *path);
/* Where the link at PATH points, the same way. */
const char *fake_link(struct fake *m, const char *path);
bool fake_exists(struct fake *m, const char *path);

/* Drivers and modules. */
struct fake_driver {
        const char *bus;    /* NULL: "pci" */
        int probe_error;    /* negative errno that each probe ends in; 0: probes succeed */
        bool unbind_hangs;  /* until fake_release_unbind() */
        bool managed_dma;   /* driver_managed_dma: does not make a group unviable (pcieport, pci-stub) */
        const char *module; /* loading this module is what registers the driver; NULL: there from the start */
        const char *module_alias; /* a pattern that modprobe knows it by, "vfio_pci:v00008086d*" */
        bool vfio;                /* makes VFIO nodes, as vfio-pci does and its variants */
};
void fake_add_driver(struct fake *m, const char *name, const struct fake_driver *driver);
/* From here on each probe of the driver NAME ends in ERROR (0: succeeds again). */
void fake_set_probe_error(struct fake *m, const char *name, int error);
void fake_set_unbind_hangs(struct fake *m, const char *name, bool hangs);
/* Lets every unbind that hangs come to its end. */
void fake_release_unbind(struct fake *m);
/* What /sbin/modprobe answers; 0 at the start. */
void fake_set_modprobe_status(struct fake *m, int status);
/* The VFIO node appears this long after the probe: a udev that is slow. */
void fake_set_node_delay(struct fake *m, uint64_t ns);

/* Devices. */
struct fake_pci {
        uint16_t vendor, device; /* 0: 0x1af4, 0x1000 */
        uint16_t subsystem_vendor, subsystem_device;
        uint32_t class; /* 0: 0x020000 */
        uint8_t revision;
        const char *driver; /* bound now, and what a probe without an override picks; NULL: none */
        bool unbound;       /* .driver is what a probe picks, but nothing is bound now */
        unsigned int group;
        bool no_group;          /* in no IOMMU group */
        const char *parent;     /* BDF of the bridge it is behind; NULL: on the root bus */
        uint8_t header_type;    /* 1: a bridge */
        bool bar_mmap_denied;   /* no VFIO_REGION_INFO_FLAG_MMAP on its BARs */
        bool msix_mappable;     /* VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, else the table's page is cut out */
        bool no_reset;          /* neither VFIO_DEVICE_FLAGS_RESET nor a reset attribute */
        unsigned int msi, msix; /* vectors; 0: 4 and 8. FAKE_NONE: none */
        bool no_intx;
        bool sriov;         /* a PF: it has an SR-IOV capability */
        const char *physfn; /* a VF: BDF of its PF */
        bool dynamic_msix;  /* MSI-X vectors can be added while others are on (6.5) */
        bool cdx;           /* on a CDX bus: no config space to speak of, bus mastering by a feature (6.10) */
        bool display;       /* shows a display by dma-bufs, as the sample driver mbochs does */
        bool no_low_power;  /* no low power features, as before 6.1 */
        bool no_pm;         /* it has them, but never sleeps, as without CONFIG_PM */
        unsigned int migration; /* FAKE_MIG_CAN_…; 0: none */
        bool dma_log;           /* it can note down where it writes to */
        bool migration_old;     /* without the calls of 6.2 */
        bool atomics; /* the way to the root completes 32 and 64-bit AtomicOps, and device info says so */
        bool page_requests; /* can be attached to a page table that takes page faults */
        uint32_t rom_size;  /* of its ROM; 0: none */
        uint64_t bar3_size; /* another memory BAR, sparse; 0: none */
        /* Device-specific ones, behind the fixed ones, up to the first of no size. One that can be mapped has
         * two areas that can be: its first page, and all from the third on. */
        struct {
                uint32_t type, subtype, size;
                bool mappable;
        } regions[2];
};
#define FAKE_NONE 0xffffu
/* VFIO_MIGRATION_… */
#define FAKE_MIG_CAN_STOP_COPY (1u << 0)
#define FAKE_MIG_CAN_P2P       (1u << 1)
#define FAKE_MIG_CAN_PRE_COPY  (1u << 2)
/* BAR 0: 16 KiB of memory with a register file; BAR 2: 64 KiB with the MSI-X table in its second page; BAR 4:
 * 256 bytes of I/O ports. */
#define FAKE_BAR0_SIZE 0x4000u
#define FAKE_BAR2_SIZE 0x10000u
#define FAKE_BAR4_SIZE 0x100u
/* Legacy VGA, of a class 0x0300. */
#define FAKE_VGA_SIZE 0xc0000u

void fake_add_pci(struct fake *m, const char *bdf, const struct fake_pci *pci);
/* Another card is found at the address. */
void fake_set_ids(struct fake *m, const char *bdf, uint16_t vendor, uint16_t device);
/* A device on another bus, "platform", "mdev", … */
void fake_add_other(struct fake *m, const char *bus, const char *name, const char *driver,
                    unsigned int group);
/* "nvme0n1" on the device, MAJOR:MINOR its number; with partitions "nvme0n1p1" by fake_add_partition(). */
void fake_add_block(struct fake *m, const char *bdf, const char *name, unsigned int major,
                    unsigned int minor);
void fake_add_partition(struct fake *m, const char *disk, const char *name, unsigned int major,
                        unsigned int minor);
/* dm-0 over nvme0n1p1: a link in its holders/. */
void fake_add_holder(struct fake *m, const char *name, const char *holder);
void fake_add_net(struct fake *m, const char *bdf, const char *name);
/* HOLDER has NAME as a port: bond0, br0. */
void fake_set_net_master(struct fake *m, const char *name, const char *master);
void fake_add_drm(struct fake *m, const char *bdf, const char *name);
/* A process in /proc that has these paths open; a NULL ends the list. */
void fake_add_process(struct fake *m, pid_t pid, const char *comm, const char *const paths[]);
/* A line more in these files. */
void fake_add_mount(struct fake *m, unsigned int major, unsigned int minor, const char *where,
                    const char *source);
void fake_add_swap(struct fake *m, const char *device);
void fake_add_default_route(struct fake *m, const char *interface);
/* One of AF_INET or AF_INET6 over several interfaces, which a NULL ends, in a table of its own: rtnetlink
 * alone shows it. Until the first of them there are no netlink sockets. */
void fake_add_multipath_route(struct fake *m, unsigned char family, unsigned int table,
                              const char *const interfaces[]);
/* A reserved region of the group, one line of reserved_regions. It bounds the IOVA ranges too. */
void fake_add_reserved(struct fake *m, unsigned int group, uint64_t start, uint64_t end, const char *type);
/* The aperture of the group's IOMMU, 39 bits at the start: bounds the IOVA ranges. */
void fake_set_aperture(struct fake *m, unsigned int group, uint64_t last);
/* The group holds an RMRR that no driver may lose: attaching ends in EPERM ("ineligible"). */
void fake_set_group_ineligible(struct fake *m, unsigned int group);

/* The device's driver now, or NULL. */
const char *fake_driver_of(struct fake *m, const char *bdf);
/* Its driver_override, or NULL. */
const char *fake_override_of(struct fake *m, const char *bdf);
/* How many times it was reset through VFIO. */
unsigned int fake_reset_count(struct fake *m, const char *bdf);
/* How many times its bus was reset with it. */
unsigned int fake_hot_reset_count(struct fake *m, const char *bdf);
/* Migration: the state it is in (enum vfio_device_mig_state). The next arc into STATE fails with ERROR, and
 * STAYS: leaves the device in ERROR. Its pre-copy begins anew. */
unsigned int fake_migration_state(struct fake *m, const char *bdf);
void fake_fail_migration(struct fake *m, const char *bdf, unsigned int state, int error, bool stays);
void fake_set_migration_reinit(struct fake *m, const char *bdf);
/* It notes down where it writes to. */
bool fake_is_logging(struct fake *m, const char *bdf);
/* Whether it sleeps now, how often it was woken; somebody else uses it. */
bool fake_is_asleep(struct fake *m, const char *bdf);
unsigned int fake_wake_count(struct fake *m, const char *bdf);
void fake_touch(struct fake *m, const char *bdf);
/* From here on each hot reset that would be done ends in ERROR: a lock is held (-EBUSY, -EAGAIN); 0: it is
 * done again. */
void fake_set_hot_reset_error(struct fake *m, int error);
/* The next N questions for the scope of a hot reset find one device more than they have room for. */
void fake_set_hot_reset_growth(struct fake *m, unsigned int n);
/* The memory behind a region, as the device sees it; NULL where there is none, or where its memory decoding
 * is off. BAR 3 only in part. */
void *fake_bar(struct fake *m, const char *bdf, unsigned int bar);
/* Someone wants the device back: its driver is unbound, which asks the user by the request event and waits
 * until the device is closed. */
void fake_ask_back(struct fake *m, const char *bdf);
/* Someone takes the card out: configuration space is gone, BARs read as all ones. */
void fake_pull(struct fake *m, const char *bdf);
/* How many ioeventfds the device has. */
unsigned int fake_n_ioeventfds(struct fake *m, const char *bdf);
uint8_t *fake_config(struct fake *m, const char *bdf);
/* The guest shows a picture of this size from now on, in a buffer of its own; 0 and 0: nothing. */
void fake_set_display(struct fake *m, const char *bdf, unsigned int width, unsigned int height);

/* The device does DMA: copies between BUF and the memory that the live mappings put at IOVA. Returns 0, or
 * -EFAULT where a page is not mapped or not mapped for this access. */
int fake_dma_write(struct fake *m, const char *bdf, uint64_t iova, const void *buf, size_t size);
int fake_dma_read(struct fake *m, const char *bdf, uint64_t iova, void *buf, size_t size);
/* The device raises the vector of an interrupt (VFIO_PCI_*_IRQ_INDEX). Returns 1 where an eventfd was
 * signalled, 0 where it is off or masked. */
int fake_raise(struct fake *m, const char *bdf, unsigned int index, unsigned int vector);
/* How many vectors of the interrupt are on, counted from 0 to the last one. */
unsigned int fake_irq_enabled(struct fake *m, const char *bdf, unsigned int index);
/* How many vectors of the host it costs. */
unsigned int fake_irq_held(struct fake *m, const char *bdf, unsigned int index);
/* The kernel's side of eventfds that it listens to, in its own time: what unmasks INTx, what writes to BARs.
 */
void fake_settle(struct fake *m);

/* The same for what the device does with a PASID. */
int fake_dma_read_pasid(struct fake *m, const char *bdf, uint32_t pasid, uint64_t iova, void *buf,
                        size_t size);

/* The device asks for a page: 1, or 0 where what it sees has no fault queue. */
int fake_page_request(struct fake *m, const char *bdf, uint64_t iova, unsigned int access);
/* How often a page request of the device was answered with CODE, by the kernel too (1, invalid). */
unsigned int fake_page_answers(struct fake *m, const char *bdf, uint32_t code);
/* The IOMMU reports an event of 32 bytes, each of them FILL, about the device to its guest: 1 where it was
 * put into a queue, 0 where there is none, or it is full. */
int fake_vevent(struct fake *m, const char *bdf, uint8_t fill);

/* What is mapped for the device at IOVA: returns 0 and where the byte lies in this process and how far it
 * runs, or -ENOENT. */
int fake_lookup(struct fake *m, const char *bdf, uint64_t iova, void **ret_vaddr, uint64_t *ret_length);

/* Maps and unmaps in the device's address space as another holder of its descriptor would. */
void fake_map_behind(struct fake *m, const char *bdf, uint64_t iova, void *vaddr, uint64_t size);
void fake_unmap_behind(struct fake *m, const char *bdf, uint64_t iova);

/* The policy that memory has been given: MPOL_… and its node; 0 where none was. */
int fake_policy(struct fake *m, const void *addr, unsigned int *ret_node);
void fake_set_numa_node(struct fake *m, const char *bdf, int node);

/* Counts over the whole machine, for audits and for assertions on cost. */
unsigned int fake_n_fds(struct fake *m);
unsigned int fake_n_mappings(struct fake *m);
uint64_t fake_mapped_bytes(struct fake *m);
unsigned int fake_n_mmaps(struct fake *m);
unsigned int fake_n_calls(struct fake *m);
unsigned int fake_n_ioctls(struct fake *m, unsigned long request);

/* Every write to an attribute and to a file so far, a line each: "PATH VALUE\n", newlines in VALUE as \n. */
const char *fake_writes(struct fake *m);
/* Every program that was run, a line each. */
const char *fake_runs(struct fake *m);
void fake_clear_logs(struct fake *m);

/* Runs FN once the made-up clock reaches NS from now: while the library sleeps, polls or waits for a lock. */
void fake_at(struct fake *m, uint64_t ns, void (*fn)(struct fake *m, void *userdata), void *userdata);

/* Failure. Calls are numbered from 1, counting all but close, munmap and the clock. */

enum fake_fault_kind {
        FAKE_FAULT_NONE,
        FAKE_FAULT_ERROR,  /* the call does nothing and ends in the error */
        FAKE_FAULT_STICKY, /* so does each later one with the same object: a file that cannot be read at all
                            */
        FAKE_FAULT_KILL_BEFORE, /* the process dies at the door of the call … */
        FAKE_FAULT_KILL_AFTER,  /* … or with the call done: nothing it calls later has an effect */
        FAKE_FAULT_SHORT,       /* a read, a write or a getdents moves less than it was asked to */
};
/* Sets the fault of the Nth call from now; 0 takes it away. */
void fake_set_fault(struct fake *m, enum fake_fault_kind kind, unsigned int n, int error);
/* What was made to fail works again; that it failed is not forgotten. */
void fake_mend(struct fake *m);
/* The fault came to pass. */
bool fake_fault_hit(struct fake *m);
/* The error it was set to end in. */
int fake_fault_error(struct fake *m);
/* What call it was, "ioctl VFIO_IOMMU_MAP_DMA", for a message. */
const char *fake_fault_where(struct fake *m);
/* This thread is in one of the machine's system calls. */
bool fake_inside(void);
/* A kill came to pass, and nobody was revived since. */
bool fake_process_is_dead(struct fake *m);
/* A new process on the same machine: after a kill, and at once where none was. What the old one had open is
 * closed. */
void fake_revive(struct fake *m);

/* Says what is left over: descriptors beyond ALLOWED_FDS, memory mapped in this process, mappings for
 * devices, groups in use, drivers half bound. Returns the number of things found; each is a line of *ret_text
 * (owned by the machine). */
unsigned int fake_audit(struct fake *m, unsigned int allowed_fds, const char **ret_text);

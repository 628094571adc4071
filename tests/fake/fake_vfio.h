/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VFIO's and iommufd's objects, shared by the files that serve their ioctls. */

#include "fake_internal.h"
#include "fake_uapi.h"

struct fake_range {
        uint64_t start, last;
};

#define FAKE_MAX_RANGES 64

struct fake_object;
struct fake_iommufd;
/* Memory, or a device's registers, that mappings are of: a copy from one IOAS into another is of the same
 * (struct iopt_pages). */
struct fake_pages {
        unsigned int refs; /* of mappings */
        bool counted;      /* as locked memory */
        unsigned int pins; /* of those in address spaces that pin */
        uint64_t size;
        uint64_t vaddr;
        void *window;             /* a file's, here only */
        struct fake_file *dmabuf; /* or of this */
        unsigned int revocations; /* of the dma-buf, when it was mapped */
};

struct fake_mapping {
        struct fake_mapping *next;
        struct fake_pages *pages;
        uint64_t iova, vaddr, size;
        bool readable, writable; /* by the device */
        bool vaddr_gone;         /* VFIO_DMA_UNMAP_FLAG_VADDR */
        uint64_t *written;       /* a bit a page: see fake_dirty.c; NULL: not tracked */
};

/* One I/O address space: what is mapped, by IOVA, and what the groups in it allow. */
struct fake_space {
        struct fake_mapping *mappings; /* ordered */
        unsigned int n_mappings;
        bool by_address; /* finds a device's registers where they are mapped in the process: type1 */
        bool pinned;     /* its pages count as locked memory: always on type1, on iommufd while a device is
                            attached */
};

/* fake_space.c */
int fake_space_insert(struct fake *m, struct fake_space *s, uint64_t iova, uint64_t vaddr, uint64_t size,
                      bool readable, bool writable);
/* The same, of pages that are there: theirs from VADDR on. Takes the reference over, also when it fails. */
int fake_space_insert_pages(struct fake *m, struct fake_space *s, uint64_t iova, struct fake_pages *pages,
                            uint64_t vaddr, uint64_t size, bool readable, bool writable);
struct fake_pages *fake_pages_new(uint64_t vaddr, uint64_t size);
void fake_pages_put(struct fake *m, struct fake_pages *pages);
/* fake_dmabuf.c */
/* The pages of a memfd or dma-buf, or what mapping them ends in. */
int fake_pages_of_file(struct fake *m, int fd, uint64_t start, uint64_t length,
                       struct fake_pages **ret_pages);
bool fake_pages_revoked(const struct fake_pages *pages);
/* VFIO_DEVICE_FEATURE_DMA_BUF */
int fake_feature_dmabuf(struct fake *m, struct fake_device *d, uint32_t flags, const void *data,
                        size_t argsz);
/* The device's memory went away, or is back; or the device was closed. */
void fake_dmabufs_move(struct fake *m, const struct fake_device *d, bool revoked);
void fake_dmabufs_close(struct fake *m, const struct fake_device *d);
struct fake_mapping *fake_space_find(struct fake_space *s, uint64_t first, uint64_t last);
void fake_space_remove(struct fake *m, struct fake_space *s, struct fake_mapping *mapping);
void fake_space_clear(struct fake *m, struct fake_space *s);
int fake_space_pin(struct fake *m, struct fake_space *s);
void fake_space_unpin(struct fake *m, struct fake_space *s);
/* Takes what the group's IOMMU cannot or must not translate out of the ranges; returns how many are left. */
unsigned int fake_ranges_exclude(struct fake_range ranges[FAKE_MAX_RANGES], unsigned int n,
                                 const struct fake_group *g);
bool fake_ranges_hold(const struct fake_range *ranges, unsigned int n, uint64_t start, uint64_t last);
/* Every mapping fits the ranges that are left once G has joined. */
bool fake_space_fits(const struct fake_space *s, const struct fake_range *ranges, unsigned int n);
/* The group's devices are all without a driver that does DMA of its own (iommu_group_claim_dma_owner()). */
bool fake_group_claimable(struct fake *m, const struct fake_group *g);
/* 0, or what attaching the group to a domain ends in. */
int fake_group_may_attach(const struct fake *m, const struct fake_group *g);

/* A type1 container: fake_container.c. */
struct fake_container {
        struct fake_container *next;
        unsigned int refs; /* its file's, and one for each group */
        bool set;          /* VFIO_SET_IOMMU was done */
        bool v2;
        bool tracking; /* VFIO_IOMMU_DIRTY_PAGES_FLAG_START was done */
        struct fake_space space;
};
unsigned int fake_container_ranges(struct fake *m, const struct fake_container *c,
                                   struct fake_range ranges[FAKE_MAX_RANGES]);
int fake_container_attach(struct fake *m, struct fake_container *c, struct fake_group *g);
void fake_container_detach(struct fake *m, struct fake_group *g);
struct fake_container *fake_container_of(const struct fake_file *f);
/* The group that is open in F, or NULL. */
struct fake_group *fake_group_of(const struct fake_file *f);
/* DIRTY_BITMAP_SIZE_MAX of drivers/vfio/vfio_iommu_type1.c: bits for INT_MAX pages */
#define FAKE_DIRTY_BITMAP_MAX (1ull << 28)
/* fake_dirty.c: a bit for each page that is written while MAPPING is tracked; and the calls. */
void fake_dirty_track(struct fake_mapping *mapping);
void fake_dirty_untrack(struct fake_mapping *mapping);
void fake_dirty_mark(struct fake_mapping *mapping, uint64_t iova, uint64_t size);
/* All mappings are, or are no longer. */
void fake_dirty_track_space(struct fake_space *s, bool on);
void fake_hwpt_mark(struct fake_object *hwpt, uint64_t iova, uint64_t size);
/* Of all page tables over the IOAS: what is unmapped is no longer dirty. */
void fake_hwpt_forget(struct fake_object *hwpt, uint64_t first, uint64_t last);
int fake_hwpt_dirty_ioctl(struct fake_iommufd *i, unsigned long request, void *arg);
int fake_type1_dirty_pages(struct fake *m, struct fake_container *c, struct vfio_iommu_type1_dirty_bitmap *a);
int fake_type1_check_bitmap(const struct vfio_bitmap *bitmap, uint64_t size);
/* Writes the bits of MAPPING into the bitmap of a range that begins at BASE. */
void fake_type1_tell(struct fake *m, struct fake_container *c, struct fake_mapping *mapping, uint64_t base,
                     uint64_t *bitmap);
/* fake_type1.c */
bool fake_type1_updates_vaddr(struct fake *m, const struct fake_container *c);
int fake_type1_ioctl(struct fake *m, struct fake_container *c, unsigned long request, void *arg);

/* iommufd: fake_iommufd.c. */
struct fake_ioas {
        struct fake_ioas *next;
        struct fake_iommufd *iommufd;
        uint32_t id, hwpt_id; /* hwpt: the page table that attaching makes, while n_attached */
        struct fake_space space;
        unsigned int n_attached; /* devices, to the page table that attaching made */
        unsigned int n_tables;   /* that, and those made by hand */
        struct fake_range allowed[FAKE_MAX_RANGES];
        unsigned int n_allowed;
        bool small_pages; /* IOMMU_OPTION_HUGE_PAGES is off */
};

/* What else has a number in an iommufd: fake_hwpt.c. */
enum fake_object_type {
        FAKE_HWPT,
        FAKE_FAULTS,
        FAKE_VIOMMU,
        FAKE_VDEVICE,
        FAKE_VEVENTQ,
        FAKE_HW_QUEUE,
};

/* What waits in a queue: a page request, or an event behind its header. */
struct fake_record {
        struct fake_record *next;
        bool read;       /* a page request that is not answered yet */
        uint32_t device; /* a page request's */
        size_t size;
        uint8_t data[64];
};
struct fake_object {
        struct fake_object *next;
        struct fake_iommufd *iommufd;
        enum fake_object_type type;
        uint32_t id;
        unsigned int users;         /* devices, and objects made from this one */
        struct fake_object *parent; /* made from that one */
        struct fake_ioas *ioas;     /* of a page table: what it maps, also below another one */
        uint32_t flags;
        uint64_t aperture_last;
        unsigned int invalidated; /* requests done */
        bool tracking;            /* IOMMU_HWPT_DIRTY_TRACKING_ENABLE */
        struct fake_dirty_page *written;
        struct fake_object *faults; /* of a page table: its fault queue */
        struct fake_object *before; /* of a hardware queue: the one of the index before */

        /* fake_viommu.c, fake_eventq.c */
        struct fake_device *device; /* of a vDEVICE */
        uint64_t virtual_id;
        uint32_t kind, index, depth, sequence;
        int ready; /* of a queue: an eventfd that is readable while there is something; -1 */
        struct fake_record *records;
};
/* A page that a device wrote through a page table that tracks: fake_dirty.c. */
struct fake_dirty_page {
        struct fake_dirty_page *next;
        uint64_t iova;
};
struct fake_iommufd {
        struct fake_iommufd *next;
        struct fake_file *file; /* devices keep it open */
        struct fake_ioas *ioases;
        struct fake_object *objects;
        uint64_t ids[16]; /* a bit for each id in use */
        bool process_accounting;
        uint32_t compat_ioas; /* 0: none */
};
struct fake_iommufd *fake_iommufd_of(const struct fake_file *f);
struct fake_ioas *fake_find_ioas(struct fake_iommufd *i, uint32_t id);
uint32_t fake_new_id(struct fake_iommufd *i);
void fake_free_id(struct fake_iommufd *i, uint32_t id);
/* fake_attach.c */
int fake_attach_pt(struct fake *m, struct fake_device *d, struct fake_vfio_attach_pt *a);
int fake_detach_pt(struct fake *m, struct fake_device *d, const struct fake_vfio_detach_pt *a);
void fake_detach_all(struct fake *m, struct fake_device *d);
/* What one page table more, or one less, in the IOAS means; 0, -EADDRINUSE or what pinning ended in. */
int fake_table_add(struct fake *m, struct fake_ioas *ioas, const struct fake_range *ranges, unsigned int n);
void fake_table_remove(struct fake *m, struct fake_ioas *ioas);
/* fake_viommu.c */
int fake_viommu_ioctl(struct fake *m, struct fake_iommufd *i, unsigned long request, void *arg);
/* A device that goes takes its vDEVICE along (Linux 6.17, iommufd_device_pre_destroy()). */
void fake_vdevice_gone(struct fake *m, struct fake_device *d);
/* fake_eventq.c */
int fake_faults_alloc(struct fake *m, struct fake_iommufd *i, struct fake_iommu_fault_alloc *a);
int fake_eventq_open(struct fake *m, struct fake_object *o);
void fake_eventq_clear(struct fake *m, struct fake_object *o);
/* What D waits for is answered: it will not be there. */
void fake_faults_give_up(struct fake_object *faults, struct fake_device *d);
/* fake_hwpt.c */
struct fake_object *fake_object_new(struct fake_iommufd *i, enum fake_object_type type,
                                    struct fake_object *parent);
void fake_object_free(struct fake *m, struct fake_object *o);
struct fake_object *fake_find_object(struct fake_iommufd *i, enum fake_object_type type, uint32_t id);
int fake_object_destroy(struct fake *m, struct fake_iommufd *i, uint32_t id);
void fake_objects_free(struct fake *m, struct fake_iommufd *i);
int fake_hwpt_ioctl(struct fake *m, struct fake_iommufd *i, unsigned long request, void *arg);
struct fake_device *fake_iommufd_device(struct fake *m, const struct fake_iommufd *i, uint32_t id);
/* fake_ioas.c: the calls on one IOAS. */
int fake_ioas_ioctl(struct fake *m, struct fake_iommufd *i, unsigned long request, void *arg);
unsigned int fake_ioas_ranges(struct fake *m, const struct fake_ioas *ioas,
                              struct fake_range ranges[FAKE_MAX_RANGES]);
uint64_t fake_ioas_alignment(const struct fake *m, const struct fake_ioas *ioas);

/* An open device, by its group or by its own node: fake_device.c. */
struct fake_device_file {
        struct fake_device *device;
        struct fake_file *group; /* kept open; NULL: opened by its own node */
        bool granted;            /* the user may touch the device */
};
int fake_device_open_by_group(struct fake *m, struct fake_file *group_file, struct fake_device *d,
                              const char *options);
struct fake_device_file *fake_device_file_of(const struct fake_file *f);
/* fake_feature.c. vfio_check_feature(): 1 where the feature is to be read or set, else what the call gives.
 */
int fake_check_feature(uint32_t flags, size_t size, uint32_t supported, size_t least);
int fake_match_token(struct fake_device *d, const uint8_t *uuid);
int fake_match_options(struct fake_device *d, const char *options);
int fake_feature_ioctl(struct fake *m, struct fake_device *d, struct vfio_device_feature *a);
/* fake_migration.c */
int fake_feature_migration(struct fake *m, struct fake_device *d, uint32_t flags, void *data, size_t size);
/* fake_dma_log.c */
int fake_feature_dma_log(struct fake_device *d, uint32_t flags, void *data, size_t size);
/* fake_power.c */
int fake_feature_power(struct fake *m, struct fake_device *d, uint32_t flags, const void *data, size_t size);
void fake_power_close(struct fake_device *d);
/* fake_hot_reset.c */
int fake_hot_reset_ioctl(struct fake *m, struct fake_device_file *df, unsigned long request, void *arg);
/* fake_region.c */
int fake_region_info(const struct fake_device *d, struct vfio_region_info *a);
ssize_t fake_region_pread(struct fake *m, struct fake_file *f, void *buf, size_t size, uint64_t offset);
ssize_t fake_region_pwrite(struct fake *m, struct fake_file *f, const void *buf, size_t size,
                           uint64_t offset);
int fake_region_mmap(struct fake *m, struct fake_file *f, uint64_t offset, size_t length, int prot,
                     int *ret_fd, uint64_t *ret_offset);
/* fake_ioeventfd.c */
int fake_ioeventfd_ioctl(struct fake *m, struct fake_device *d, struct vfio_device_ioeventfd *a);
void fake_ioeventfds_free(struct fake_device *d);
void fake_ioeventfds_settle(struct fake_device *d);
/* fake_irq.c */
int fake_irq_ioctl(struct fake *m, struct fake_device *d, unsigned long request, void *arg);
void fake_irq_disable(struct fake_device *d, unsigned int index);
/* Signals the request event, where it is on. */
void fake_irq_request(struct fake_device *d);
/* The eventfd was written to; takes what was. */
bool fake_eventfd_fired(int fd);

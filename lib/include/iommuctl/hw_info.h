/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOMMUCTL_HW_INFO_H
#define IOMMUCTL_HW_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <iommuctl/container.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct iommuctl_hw_info - what the IOMMU behind a device says of itself (iommufd's IOMMU_GET_HW_INFO).
 *
 * A snapshot: immutable, the caller's to free, and readable from any threads.
 */
struct iommuctl_hw_info;

/** enum iommuctl_hw_kind - the kind of the IOMMU, and so the form of its registers. A newer kernel may tell
 * others.
 */
enum iommuctl_hw_kind {
        IOMMUCTL_HW_NONE = 0,           /* says nothing of itself; asked for: whatever there is */
        IOMMUCTL_HW_INTEL_VTD = 1,      /* struct iommuctl_hw_vtd */
        IOMMUCTL_HW_ARM_SMMUV3 = 2,     /* struct iommuctl_hw_arm_smmuv3 */
        IOMMUCTL_HW_TEGRA241_CMDQV = 3, /* struct iommuctl_hw_tegra241_cmdqv: asked for by this number */
        IOMMUCTL_HW_AMD = 4,            /* struct iommuctl_hw_amd */
};

/** enum iommuctl_hw_capabilities - what any IOMMU may have. */
enum iommuctl_hw_capabilities {
        IOMMUCTL_HW_DIRTY_TRACKING = 1 << 0,    /* sees which pages were written: Linux 6.7 says */
        IOMMUCTL_HW_PASID_EXECUTE = 1 << 1,     /* the device may ask for execution with a PASID: 6.15 */
        IOMMUCTL_HW_PASID_PRIVILEGED = 1 << 2,  /* and for privileged mode: 6.15 */
        IOMMUCTL_HW_ATS_NOT_SUPPORTED = 1 << 3, /* the device cannot ask for translations: 7.1 */
};

/** struct iommuctl_hw_vtd - Intel VT-d's registers (its specification, 11.4.2 and 11.4.3). */
struct iommuctl_hw_vtd {
        uint32_t flags; /* bit 0: no read-only mappings in a table that others are nested in (erratum 772415)
                         */
        uint32_t reserved;
        uint64_t cap;
        uint64_t ecap;
};

/** struct iommuctl_hw_arm_smmuv3 - ARM SMMUv3's registers (its specification, 6.3.1 to 6.3.6). */
struct iommuctl_hw_arm_smmuv3 {
        uint32_t flags;
        uint32_t reserved;
        uint32_t idr[6];
        uint32_t iidr;
        uint32_t aidr;
};

/** struct iommuctl_hw_tegra241_cmdqv - NVIDIA's command queues beside an SMMUv3. */
struct iommuctl_hw_tegra241_cmdqv {
        uint32_t flags;
        uint8_t version;
        uint8_t log2_queues;
        uint8_t log2_stream_ids;
        uint8_t reserved;
};

/** struct iommuctl_hw_amd - AMD-Vi's extended feature registers (its specification, MMIO 0x30 and 0x1a0). */
struct iommuctl_hw_amd {
        uint64_t efr;
        uint64_t efr2;
};

/**
 * iommuctl_hw_info_new() - ask what the IOMMU behind a device is.
 *
 * @device_id: iommuctl_device_iommufd_id(), or the number of a device that was bound to the container's
 * iommufd by other means. @kind: IOMMUCTL_HW_NONE for what the IOMMU says by itself, or an extension's kind
 * (Linux 6.17).
 *
 * The caller frees @ret_info with iommuctl_hw_info_free(), as soon as it likes.
 *
 * Returns 0; -EOPNOTSUPP on type1, on kernels before 6.6, and where the IOMMU has no @kind; -ENODEV: a
 * container that is not decided yet; -ENOENT: there is no such device in the iommufd; -EPROTO: more data than
 * makes sense; -ENOMEM.
 */
int iommuctl_hw_info_new(struct iommuctl_container *container, uint32_t device_id, uint32_t kind,
                         struct iommuctl_hw_info **ret_info);

/** iommuctl_hw_info_free() - free it. NULL is let through. */
void iommuctl_hw_info_free(struct iommuctl_hw_info *info);

/** iommuctl_hw_info_kind() - enum iommuctl_hw_kind, or a number that this version does not know. */
uint32_t iommuctl_hw_info_kind(const struct iommuctl_hw_info *info);

/** iommuctl_hw_kind_name() - "intel-vt-d", "arm-smmu-v3", "tegra241-cmdqv", "amd-vi", "none"; NULL for a kind
 * that this version does not know. Thread-safe. */
const char *iommuctl_hw_kind_name(uint32_t kind);

/** iommuctl_hw_info_capabilities() - enum iommuctl_hw_capabilities, and what newer kernels add to them. */
uint64_t iommuctl_hw_info_capabilities(const struct iommuctl_hw_info *info);

/** iommuctl_hw_info_pasid_bits() - how wide the device's PASIDs are; 0 where it has none, or the kernel is
 * before 6.15. */
unsigned int iommuctl_hw_info_pasid_bits(const struct iommuctl_hw_info *info);

/** iommuctl_hw_info_data() - the registers as the kernel gives them, in the form of the kind: struct
 * iommuctl_hw_vtd and so on. @ret_size: how many bytes; a newer kernel may give more than the struct has, an
 * older one fewer. Lives as long as @info. */
const void *iommuctl_hw_info_data(const struct iommuctl_hw_info *info, size_t *ret_size);

/** iommuctl_hw_info_vtd() - true and VT-d's registers; false where it is another kind. */
bool iommuctl_hw_info_vtd(const struct iommuctl_hw_info *info, struct iommuctl_hw_vtd *ret_vtd);

/** iommuctl_hw_info_arm_smmuv3() - true and SMMUv3's registers; false where it is another kind. */
bool iommuctl_hw_info_arm_smmuv3(const struct iommuctl_hw_info *info,
                                 struct iommuctl_hw_arm_smmuv3 *ret_smmu);

/** iommuctl_hw_info_amd() - true and AMD-Vi's registers; false where it is another kind. */
bool iommuctl_hw_info_amd(const struct iommuctl_hw_info *info, struct iommuctl_hw_amd *ret_amd);

#ifdef __cplusplus
}
#endif

#endif

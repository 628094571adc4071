/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "iommuctl/migration.h"
#include "util/macro.h"

/* The arcs of a device, each with what it takes and what makes it needless (Linux include/uapi/linux/vfio.h,
 * at enum vfio_device_mig_state): where there are the states of P2P, the ways between running and standing
 * lead through them. */
#define P2P IOMMUCTL_MIGRATION_CAN_P2P
#define PRE IOMMUCTL_MIGRATION_CAN_PRE_COPY

#define ERROR        IOMMUCTL_MIGRATION_ERROR
#define STOP         IOMMUCTL_MIGRATION_STOP
#define RUNNING      IOMMUCTL_MIGRATION_RUNNING
#define STOP_COPY    IOMMUCTL_MIGRATION_STOP_COPY
#define RESUMING     IOMMUCTL_MIGRATION_RESUMING
#define RUNNING_P2P  IOMMUCTL_MIGRATION_RUNNING_P2P
#define PRE_COPY     IOMMUCTL_MIGRATION_PRE_COPY
#define PRE_COPY_P2P IOMMUCTL_MIGRATION_PRE_COPY_P2P

static const struct arc {
        enum iommuctl_migration_state from, to;
        unsigned int needs, not_with;
} arcs[] = {
        { STOP, STOP_COPY, 0, 0 },
        { STOP_COPY, STOP, 0, 0 },
        { STOP, RESUMING, 0, 0 },
        { RESUMING, STOP, 0, 0 },
        { RUNNING, STOP, 0, P2P },
        { STOP, RUNNING, 0, P2P },
        { RUNNING, RUNNING_P2P, P2P, 0 },
        { RUNNING_P2P, RUNNING, P2P, 0 },
        { RUNNING_P2P, STOP, P2P, 0 },
        { STOP, RUNNING_P2P, P2P, 0 },
        { RUNNING, PRE_COPY, PRE, 0 },
        { PRE_COPY, RUNNING, PRE, 0 },
        { PRE_COPY, STOP_COPY, PRE, P2P },
        { PRE_COPY, PRE_COPY_P2P, PRE | P2P, 0 },
        { PRE_COPY_P2P, PRE_COPY, PRE | P2P, 0 },
        { RUNNING_P2P, PRE_COPY_P2P, PRE | P2P, 0 },
        { PRE_COPY_P2P, RUNNING_P2P, PRE | P2P, 0 },
        { PRE_COPY_P2P, STOP_COPY, PRE | P2P, 0 },
};

static bool has_state(unsigned int flags, enum iommuctl_migration_state state)
{
        unsigned int needs = state == RUNNING_P2P    ? P2P
                             : state == PRE_COPY     ? PRE
                             : state == PRE_COPY_P2P ? P2P | PRE
                                                     : 0;

        return (unsigned int)state < IOMMUCTL_MIGRATION_N_STATES && state != ERROR &&
               (flags & needs) == needs;
}

/* The states that share one stream out of the device. */
static bool is_saving(enum iommuctl_migration_state state)
{
        return state == STOP_COPY || state == PRE_COPY || state == PRE_COPY_P2P;
}

/* How far each state is from TO, in arcs; a state that saves is on the way only between two that do. -1: not
 * at all. */
static void distances(unsigned int flags, enum iommuctl_migration_state from,
                      enum iommuctl_migration_state to, int distance[IOMMUCTL_MIGRATION_N_STATES])
{
        const bool within = is_saving(from) && is_saving(to);

        for (unsigned int i = 0; i < IOMMUCTL_MIGRATION_N_STATES; i++)
                distance[i] = -1;
        distance[to] = 0;
        for (int round = 0; round < IOMMUCTL_MIGRATION_N_STATES; round++) {
                for (size_t i = 0; i < ARRAY_SIZE(arcs); i++) {
                        const struct arc *a = &arcs[i];

                        if ((flags & a->needs) != a->needs || flags & a->not_with ||
                            distance[a->to] != round || distance[a->from] >= 0)
                                continue;
                        if (within ? !is_saving(a->from) : is_saving(a->from) && a->from != from)
                                continue;
                        distance[a->from] = round + 1;
                }
        }
}

_public_ int iommuctl_migration_path(unsigned int flags, enum iommuctl_migration_state from,
                                     enum iommuctl_migration_state to,
                                     enum iommuctl_migration_state path[IOMMUCTL_MIGRATION_N_STATES])
{
        int distance[IOMMUCTL_MIGRATION_N_STATES], n;
        enum iommuctl_migration_state at = from;

        if (!has_state(flags, from) || !has_state(flags, to))
                return -EINVAL;
        distances(flags, from, to, distance);
        n = distance[from];
        if (n < 0)
                return -EINVAL;
        for (int left = n; path && left > 0; left--) {
                for (size_t i = 0; i < ARRAY_SIZE(arcs); i++) {
                        const struct arc *a = &arcs[i];

                        if (a->from != at || (flags & a->needs) != a->needs || flags & a->not_with ||
                            distance[a->to] != left - 1)
                                continue;
                        at = a->to;
                        break;
                }
                path[n - left] = at;
        }
        return n;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading what a plan, or what was done, came to. */

#include "change.h"

static const char *text_or_null(const char *text)
{
        return *text ? text : NULL;
}

_public_ size_t iommuctl_change_n_steps(const struct iommuctl_change *change)
{
        return change->n_steps;
}

_public_ const char *iommuctl_change_step_device(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_steps ? change->steps[index].device.name : NULL;
}

_public_ const char *iommuctl_change_step_from(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_steps ? text_or_null(change->steps[index].before.driver) : NULL;
}

_public_ const char *iommuctl_change_step_to(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_steps ? text_or_null(change->steps[index].want.driver) : NULL;
}

_public_ bool iommuctl_change_step_changed(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_steps && change->steps[index].changed;
}

_public_ bool iommuctl_change_step_noted(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_steps && change->steps[index].noted;
}

_public_ const char *iommuctl_change_step_driver_override(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_steps ? text_or_null(change->steps[index].want.driver_override) : NULL;
}

_public_ const char *iommuctl_change_step_vfio_node(const struct iommuctl_change *change, size_t index)
{
        const struct step *step = index < change->n_steps ? &change->steps[index] : NULL;

        return step && driver_is_vfio(step->want.driver) ? text_or_null(step->nodes.group) : NULL;
}

_public_ const char *iommuctl_change_step_vfio_cdev(const struct iommuctl_change *change, size_t index)
{
        const struct step *step = index < change->n_steps ? &change->steps[index] : NULL;

        return step && driver_is_vfio(step->want.driver) ? text_or_null(step->nodes.cdev) : NULL;
}

_public_ size_t iommuctl_change_n_hazards(const struct iommuctl_change *change)
{
        return change->n_hazards;
}

_public_ const char *iommuctl_change_hazard_device(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_hazards ? change->hazards[index].device : NULL;
}

_public_ enum iommuctl_hazard iommuctl_change_hazard_kind(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_hazards ? change->hazards[index].kind : (enum iommuctl_hazard)0;
}

_public_ const char *iommuctl_change_hazard_detail(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_hazards ? change->hazards[index].detail : NULL;
}

_public_ bool iommuctl_change_hazard_allowed(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_hazards && (change->hazards[index].kind & change->allowed);
}

_public_ size_t iommuctl_change_n_writes(const struct iommuctl_change *change)
{
        return change->n_writes;
}

_public_ const char *iommuctl_change_write_path(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_writes ? change->writes[index].path : NULL;
}

_public_ const char *iommuctl_change_write_value(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_writes ? change->writes[index].value : NULL;
}

_public_ size_t iommuctl_change_n_modules(const struct iommuctl_change *change)
{
        return change->n_modules;
}

_public_ const char *iommuctl_change_module(const struct iommuctl_change *change, size_t index)
{
        return index < change->n_modules ? change->modules[index] : NULL;
}

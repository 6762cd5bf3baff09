/*
 * coco/coco.h - all of libcoco
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COCO_H
#define COCO_COCO_H

#include <coco/admin.h>
#include <coco/attester.h>
#include <coco/bytes.h>
#include <coco/collateral.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/image.h>
#include <coco/image_access.h>
#include <coco/image_owner.h>
#include <coco/initdata.h>
#include <coco/kbc.h>
#include <coco/measure.h>
#include <coco/references.h>
#include <coco/sealed.h>
#include <coco/sev.h>
#include <coco/store.h>
#include <coco/token.h>
#include <coco/types.h>
#include <coco/verifier.h>
#include <coco/version.h>

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "pni.h"

void launch_missiles(void);
void accept(pniStream* capsule, uint32_t length) { launch_missiles(); }

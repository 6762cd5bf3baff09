/*
 * cli/serve_config.h - the text of a kbs-config.toml, with another address
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_SERVE_CONFIG_H
#define COCO_CLI_SERVE_CONFIG_H

/*
 * The text of config with `sockets` of [http_server] replaced by listen; NULL
 * when out of memory. What is no TOML stays none.
 */
char *cli_config_listen(const char *config, const char *listen);

/* text as a TOML string with its quotes; NULL when out of memory. */
char *cli_config_quote(const char *text);

#endif

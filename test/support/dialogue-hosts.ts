// The hosts that transcripts run in. A new host is a file beside this one and a line here.

import type { DialogueHost } from "./dialogue-host.ts";
import { memoryHost, waitingHost } from "./memory-host.ts";
import { smtpDataHost, smtpHost } from "./smtp-host.ts";

export const dialogueHosts: readonly DialogueHost[] = [memoryHost, waitingHost, smtpHost, smtpDataHost];

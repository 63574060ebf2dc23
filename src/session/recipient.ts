// An accepted recipient: what rcpt made of it, and what the sender wants for it, read from the parameters when somebody
// asks.

import type { Recipient, RecipientDsn } from "../hooks/envelope.ts";
import type { Address } from "../wire/address.ts";
import type { Params } from "../wire/params.ts";
import type { ValidSince } from "../wire/rrvs.ts";
import { recipientDsn, validSince } from "./requests.ts";

export class AcceptedRecipient implements Recipient {
  readonly address: Address;
  readonly original: Address;
  readonly parameters: Params;
  readonly route: string | undefined;
  readonly acceptedBy: string;

  constructor(
    address: Address,
    original: Address,
    parameters: Params,
    route: string | undefined,
    acceptedBy: string,
  ) {
    this.address = address;
    this.original = original;
    this.parameters = parameters;
    this.route = route;
    this.acceptedBy = acceptedBy;
  }

  get dsn(): RecipientDsn {
    return recipientDsn(this.parameters);
  }

  get validSince(): ValidSince | undefined {
    return validSince(this.parameters);
  }
}

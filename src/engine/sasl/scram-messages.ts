// The messages of SCRAM (RFC 5802 §7): text to values. Pure; what they prove is scram.ts's business.

import { fromBase64, toText } from "./mechanism.ts";

/** Longest nonce taken of a client: it comes back in a line of ours. */
const maxNonceLength = 1024;

/** RFC 5802 §7: client-first-message. */
export interface ClientFirst {
  /** `n`: the client knows no channel binding; `y`: it does and thinks the server does not; `p`: it uses `binding`. */
  readonly flag: "n" | "y" | "p";
  /** Name of the channel binding; empty without. */
  readonly binding: string;
  readonly authorizationId: string;
  readonly username: string;
  readonly nonce: string;
  /** As sent, with its last comma. */
  readonly gs2Header: string;
  /** As sent, without the GS2 header. */
  readonly bare: string;
}

// RFC 5802 §7. Deviation: an empty authzid counts as none, since GNU SASL sends it where its user gave an empty one
const first =
  /^((?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^\0,]*))?,)(n=([^\0,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^\0]*)?)$/;

/** Undefined when it is malformed, or needs an extension (`m=`), of which there are none (RFC 5802 §5.1). */
export function readClientFirst(message: Buffer): ClientFirst | undefined {
  const parts = first.exec(toText(message) ?? "");
  if (parts === null) return undefined;
  const [, gs2Header = "", flag = "p", binding = "", authzid = "", bare = "", name = "", nonce = ""] = parts;
  const username = decodeName(name);
  const authorizationId = decodeName(authzid);
  if (username === undefined || authorizationId === undefined || nonce.length > maxNonceLength)
    return undefined;
  return {
    flag: flag === "n" || flag === "y" ? flag : "p",
    binding,
    authorizationId,
    username,
    nonce,
    gs2Header,
    bare,
  };
}

/** RFC 5802 §5.1: "," and "=" are written "=2C" and "=3D"; any other "=" is an error. */
function decodeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

/** RFC 5802 §7: client-final-message. */
export interface ClientFinal {
  /** The GS2 header and, with channel binding, the data of the channel. */
  readonly bindingInput: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** As sent, up to the proof. */
  readonly withoutProof: string;
}

export function readClientFinal(message: Buffer): ClientFinal | undefined {
  const parts = /^(c=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^\0]*)?),p=([^,]+)$/.exec(toText(message) ?? "");
  const [, withoutProof = "", input = "", nonce = "", proof = ""] = parts ?? [];
  const bindingInput = fromBase64(input);
  const proofOctets = fromBase64(proof);
  if (parts === null || bindingInput === undefined || proofOctets === undefined) return undefined;
  return { bindingInput, nonce, proof: proofOctets, withoutProof };
}

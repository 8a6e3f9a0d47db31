// Send the events that stand on standard input, and print their ids or the error's words as the last line.
import { webcrypto } from "node:crypto";
import { text } from "node:stream/consumers";
import { Inngest } from "inngest";

// Debian 12 and Ubuntu 24.04 have Node.js 18, where this is not global yet; without it the SDK never sends again.
globalThis.crypto ??= webcrypto;

const events = JSON.parse(await text(process.stdin));
const client = new Inngest({ id: "interop" });
const answer = await client.send(events).catch((error) => ({ error: error.message }));
console.log(JSON.stringify(answer));

"""A Matrix client of another implementation (matrix-nio), told what to do by one JSON object a line.

Usage: nio_client.py HOMESERVER STORE_FOLDER

Each order names its verb under "do", the rest are the verb's arguments. Each is answered by one line, either
{"ok": RESULT} or {"error": TEXT}. The client syncs only while it carries out an order, so a test knows what it has
seen. It ends when its input does. It trusts every device: who is verified is not what it is here for.
"""

import asyncio
import io
import json
import sys
import time

import nio

SYNC_MILLISECONDS = 1000
FILTER = {"room": {"timeline": {"limit": 1000}}, "presence": {"not_types": ["*"]}}


class Refused(Exception):
    """The homeserver said no, or something waited for didn't come."""


def must(response):
    """The response, unless it is an error."""
    if isinstance(response, nio.ErrorResponse):
        raise Refused(str(response))
    return response


class Foreigner:
    def __init__(self, homeserver, store):
        config = nio.AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
        self.client = nio.AsyncClient(homeserver, store_path=store, config=config)
        # room id -> event id -> event, in the order of arrival.
        self.timeline = {}
        # room id -> the key that nobody was given.
        self.withheld = {}

    # The life of a client.

    async def login(self, user, password):
        self.client.user = user
        answer = must(await self.client.login(password, device_name="foreign"))
        await self.sync(milliseconds=0)
        return {"user": answer.user_id, "device": answer.device_id}

    async def sync(self, milliseconds=SYNC_MILLISECONDS):
        """One sync with all that a client owes the others afterwards."""
        client = self.client
        answer = must(await client.sync(timeout=milliseconds, sync_filter=FILTER))
        for room, info in answer.rooms.join.items():
            for event in info.timeline.events:
                self.timeline.setdefault(room, {})[event.event_id] = event
        await client.send_to_device_messages()
        if client.should_upload_keys:
            must(await client.keys_upload())
        if client.should_query_keys:
            must(await client.keys_query())
        if client.should_claim_keys:
            must(await client.keys_claim(client.get_users_for_key_claiming()))

    async def until(self, what, within, look):
        """Syncs until `look` finds something."""
        end = time.monotonic() + within
        while (found := look()) is None:
            if time.monotonic() > end:
                raise Refused(f"waited {within} s in vain for {what}")
            await self.sync()
        return found

    # Rooms.

    async def create_room(self, name, encrypted, version=None, invite=(), direct=False):
        state = [nio.EnableEncryptionBuilder().as_dict()] if encrypted else []
        answer = must(
            await self.client.room_create(
                name=name, room_version=version, invite=invite, initial_state=state, is_direct=direct
            )
        )
        await self.until("the room", 30, lambda: self.client.rooms.get(answer.room_id))
        return answer.room_id

    async def enable_encryption(self, room):
        event = nio.EnableEncryptionBuilder().as_dict()
        must(await self.client.room_put_state(room, event["type"], event["content"]))
        await self.wait_encrypted(room, 30)

    async def wait_encrypted(self, room, within):
        await self.until("encryption", within, lambda: self.client.rooms[room].encrypted or None)

    async def promote(self, room, user):
        kind = "m.room.power_levels"
        levels = must(await self.client.room_get_state_event(room, kind)).content
        levels.setdefault("users", {})[user] = 100
        must(await self.client.room_put_state(room, kind, levels))

    async def join(self, room, within):
        must(await self.client.join(room))
        await self.until("the room", within, lambda: self.client.rooms.get(room))

    async def wait_invite(self, room, within):
        await self.until("the invite", within, lambda: self.client.invited_rooms.get(room))

    async def leave(self, room):
        must(await self.client.room_leave(room))

    async def invite(self, room, user):
        must(await self.client.room_invite(room, user))

    async def kick(self, room, user):
        must(await self.client.room_kick(room, user))

    async def members(self, room):
        answer = must(await self.client.joined_members(room))
        return sorted(member.user_id for member in answer.members)

    async def wait_members(self, room, users, within):
        """Until this client has learnt from its syncs that exactly these have joined."""

        def look():
            known = self.client.rooms.get(room)
            return known and set(known.users) - set(known.invited_users) == set(users) or None

        await self.until(f"the members {users}", within, look)

    # Messages.

    async def send(self, room, body):
        return await self.send_content(room, "m.room.message", {"msgtype": "m.text", "body": body})

    async def send_content(self, room, kind, content):
        answer = must(await self.client.room_send(room, kind, content, ignore_unverified_devices=True))
        return answer.event_id

    async def send_sealed(self, room, body):
        """A text under a key that nobody else has."""
        machine = self.client.olm
        machine.create_outbound_group_session(room)
        session = machine.outbound_group_sessions[room]
        # It only opens what comes after it, so it is taken now.
        self.withheld[room] = (session.id, session.session_key)
        session.shared = True
        event = await self.send(room, body)
        # What is said next gets another key, which is shared as usual.
        del machine.outbound_group_sessions[room]
        return event

    async def share_late(self, room, user):
        session_id, session_key = self.withheld[room]
        key = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": room,
            "session_id": session_id,
            "session_key": session_key,
        }
        machine = self.client.olm
        for device in machine.device_store.active_user_devices(user):
            if machine.session_store.get(device.curve25519) is None:
                must(await self.client.keys_claim({user: [device.id]}))
            session = machine.session_store.get(device.curve25519)
            sealed = machine._olm_encrypt(session, device, "m.room_key", key)
            must(await self.client.to_device(nio.ToDeviceMessage("m.room.encrypted", user, device.id, sealed)))

    async def redact(self, room, event):
        must(await self.client.room_redact(room, event))

    async def upload(self, name, mime, data):
        data = bytes(data)
        answer, keys = await self.client.upload(
            io.BytesIO(data), content_type=mime, filename=name, encrypt=True, filesize=len(data)
        )
        return {"url": must(answer).content_uri, **keys}

    async def wait_message(self, room, body, within):
        def look():
            seen = (self.described(event) for event in self.timeline.get(room, {}).values())
            return next((event for event in seen if event["body"] == body), None)

        return await self.until(f"the message {body!r}", within, look)

    async def fetch(self, room, event):
        """One event from the homeserver's memory, as far as this client can read it."""
        return self.described(must(await self.client.room_get_event(room, event)).event)

    async def shown(self, room, event):
        """One event as this client has it since it came. What it read then stays read, even if its sender gave the key anew
        later, from a later message on: this client keeps only the newest of the same session's keys."""
        return self.described(self.timeline[room][event])

    async def events(self, room):
        """The timeline of a room, in clear as far as it can be read."""
        return [self.opened(event).source for event in self.timeline.get(room, {}).values()]

    def opened(self, event):
        """An event that couldn't be read when it came may have got its key since."""
        if isinstance(event, nio.MegolmEvent):
            try:
                return self.client.decrypt_event(event)
            except nio.EncryptionError:
                pass
        return event

    def described(self, event):
        """An event in plain words."""
        event = self.opened(event)
        sealed = isinstance(event, nio.MegolmEvent)
        return {
            "event": event.event_id,
            "sender": event.sender,
            "kind": event.source["type"],
            "body": None if sealed else event.source.get("content", {}).get("body"),
            "encrypted": sealed or event.decrypted,
            "readable": not sealed,
        }


async def obey(foreigner, line):
    order = json.loads(line)
    try:
        return {"ok": await getattr(foreigner, order.pop("do"))(**order)}
    except Exception as error:  # The test decides what it means.
        return {"error": f"{type(error).__name__}: {error}"}


async def main():
    foreigner = Foreigner(*sys.argv[1:])
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await obey(foreigner, line)), flush=True)
    await foreigner.client.close()


asyncio.run(main())

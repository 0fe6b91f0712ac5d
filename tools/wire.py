"""Write the description of the wire anew: the generated blocks of WIRE.md, and wire.json."""

from pathlib import Path

from rtlab.protocol import wire

FOLDER = Path(wire.__file__).parent


def main() -> None:
    prose = FOLDER / "WIRE.md"
    prose.write_text(wire.filled(prose.read_text("utf-8")), "utf-8")
    (FOLDER / "wire.json").write_bytes(wire.to_json(wire.asyncapi()))


if __name__ == "__main__":
    main()
